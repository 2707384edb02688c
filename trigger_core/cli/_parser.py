"""What can be asked on the command line."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Final

from trigger_core._keys import SCOPES
from trigger_core.imports import FORMATS

STORE_VARIABLE: Final = "TRIGGER_CORE_STORE"

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_EXAMPLES: Final = """\
examples:
  trigger-core demo
  trigger-core init --store postgresql://user@db.example/messages --distributed
  trigger-core keys create --store triggers.duckdb --account acme --scopes read,events
  trigger-core serve --store triggers.duckdb --worker --sender sms=sandbox: --sender email=sandbox:
  trigger-core import contacts --store triggers.duckdb --account acme contacts.csv
  trigger-core record --store triggers.duckdb journal.ndjson
  trigger-core copy --from triggers.duckdb --to moved.duckdb
  trigger-core sql run --store triggers.duckdb ledger account=acme trigger_id=780cab43-2de4-4ce0-a96b-aeeeed06346c

Results go to standard output, messages to standard error. The exit code is 0 when it is done, 1 when an audit found
something, 2 for wrong use or bad input.
"""


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    main = argparse.ArgumentParser(
        prog="trigger-core",
        description="Who got this message, who did not, and why.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = main.add_subparsers(dest="command", metavar="COMMAND", required=True)
    store = argparse.ArgumentParser(add_help=False)
    store.add_argument(
        "--store",
        default=os.environ.get(STORE_VARIABLE) or None,
        help=f"a path, duckdb:///path or postgresql://…; otherwise what {STORE_VARIABLE} says",
    )
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="answer in JSON, one value a line")
    both = [store, as_json]
    _add_services(commands, store)
    _add_journals(commands, store, as_json)
    _add_imports(commands, both)
    _add_keys(commands, both)
    _add_care(commands, both, as_json)
    _add_sql(commands, both, as_json)
    return main


def _add_services(commands: Commands, store: argparse.ArgumentParser) -> None:
    demo = commands.add_parser(
        "demo", parents=[store], help="serve example data, kept only if --store is given"
    )
    demo.add_argument("--port", type=_port, help="otherwise 8080, or the next one that is free")
    serve = commands.add_parser("serve", parents=[store], help="serve a store over HTTP")
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (%(default)s)")
    serve.add_argument("--port", type=_port, default=8080, help="the port, 0 for any (%(default)s)")
    serve.add_argument(
        "--worker", action="store_true", help="send what is due, too, by the --sender of each channel"
    )
    worker = commands.add_parser("worker", parents=[store], help="send what is due, without a server")
    for each in (serve, worker):
        each.add_argument(
            "--sender",
            metavar="CHANNEL=URL",
            action="append",
            default=[],
            type=_pair,
            help="who sends: sandbox: (reaches nobody), or for email smtp://user@host:port?from=ADDRESS or smtps://…, "
            "with the password in TRIGGER_CORE_SMTP_PASSWORD; repeatable",
        )
        each.add_argument(
            "--rate",
            metavar="CHANNEL=N",
            action="append",
            default=[],
            type=_pair,
            help="at most so many messages a second; repeatable",
        )
        each.add_argument(
            "--attempts",
            metavar="N",
            type=int,
            help="try a message so often at most, where it fails for a passing reason (5)",
        )
        each.add_argument(
            "--pause",
            metavar="TIME",
            help="wait so long before the second attempt, such as 10s or 2m, twice as long before each further one, "
            "up to an hour; half of it more or less, by chance (30s)",
        )
        each.add_argument(
            "--give-up-after",
            metavar="TIME",
            help="try nothing again later than this after the first attempt, such as 2h or 1d (1d); the first one is "
            "made however late",
        )


def _add_journals(
    commands: Commands, store: argparse.ArgumentParser, as_json: argparse.ArgumentParser
) -> None:
    record = commands.add_parser("record", parents=[store, as_json], help="record a journal")
    record.add_argument("file", metavar="FILE", help="the journal, or - for standard input")
    record.add_argument(
        "--skip-invalid",
        action="store_true",
        help="go on without lines that are invalid, and what depends on them",
    )
    export = commands.add_parser("export", parents=[store], help="write a trigger as a journal")
    export.add_argument("trigger_id", metavar="TRIGGER_ID")
    export.add_argument("--account", help="only if it is this account's")


def _add_imports(commands: Commands, both: list[argparse.ArgumentParser]) -> None:
    importing = commands.add_parser("import", help="store contacts or a list from a file")
    actions = importing.add_subparsers(dest="action", metavar="ACTION", required=True)
    contacts = actions.add_parser(
        "contacts", parents=both, help="store contacts over those of their external ids"
    )
    members = actions.add_parser("list", parents=both, help="make the external ids of a file a list")
    members.add_argument("name", metavar="NAME", help="the list's name")
    for each in (contacts, members):
        each.add_argument("file", metavar="FILE", help="CSV, NDJSON or Parquet, or - for standard input")
        each.add_argument("--account", required=True, help="whose they are")
        each.add_argument("--format", choices=FORMATS, help="otherwise what the file's name ends in")
        each.add_argument("--skip-invalid", action="store_true", help="go on without rows that are invalid")


def _add_keys(commands: Commands, both: list[argparse.ArgumentParser]) -> None:
    keys = commands.add_parser("keys", help="make, list and revoke API keys")
    actions = keys.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", parents=both, help="make a key; it is shown once, as the last word")
    create.add_argument("--account", required=True, help="whose data it opens")
    create.add_argument(
        "--scopes", type=_list, default="read", help=f"some of {','.join(SCOPES)} (%(default)s)"
    )
    create.add_argument("--test", action="store_true", help="make a sk_test_ key")
    create.add_argument(
        "--expires-at", metavar="TIME", help="when it stops working, such as 2026-01-31T00:00:00Z"
    )
    listing = actions.add_parser("list", parents=both, help="list an account's keys, without their texts")
    listing.add_argument("--account", required=True)
    revoke = actions.add_parser("revoke", parents=both, help="stop a key from working")
    revoke.add_argument("--account", required=True)
    revoke.add_argument("key_id", metavar="KEY_ID")


def _add_care(
    commands: Commands, both: list[argparse.ArgumentParser], as_json: argparse.ArgumentParser
) -> None:
    init = commands.add_parser("init", parents=both, help="make a store, or bring it up to date")
    init.add_argument(
        "--distributed",
        action="store_true",
        help="spread its tables over the machines of a PostgreSQL cluster with the Citus extension",
    )
    commands.add_parser("audit", parents=both, help="re-derive every number; exit code 1 if one differs")
    copy = commands.add_parser(
        "copy",
        parents=[as_json],
        help="bring all of a store into another; exit code 1 if an audit finds something",
    )
    copy.add_argument("--from", metavar="STORE", required=True, help="a store without a worker")
    copy.add_argument("--to", metavar="STORE", required=True, help="made if it isn't there")
    commands.add_parser("compact", parents=both, help="fold the ledger, so that reading it stays cheap")
    snapshot = commands.add_parser("snapshot", parents=both, help="write a consistent copy of the store")
    snapshot.add_argument("path", metavar="FILE", help="a file that isn't there yet")
    commands.add_parser("health", parents=both, help="ask whether the store answers")


def _add_sql(
    commands: Commands, both: list[argparse.ArgumentParser], as_json: argparse.ArgumentParser
) -> None:
    sql = commands.add_parser("sql", help="list, show and run the shipped queries")
    actions = sql.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", parents=[as_json], help="the queries that can be run")
    show = actions.add_parser("show", help="print a query")
    show.add_argument("name", metavar="NAME", help="a query, or schema, views or staging")
    show.add_argument("--dialect", choices=("duckdb", "postgres"), default="duckdb", help="(%(default)s)")
    run = actions.add_parser("run", parents=both, help="run a query")
    run.add_argument("name", metavar="NAME")
    run.add_argument(
        "parameters", metavar="key=value", nargs="*", type=_pair, help="its parameters; null for none"
    )


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError
    return port


def _list(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError("must have a = in it")  # not what was given: it may hold a password
    return key, value


_port.__name__ = "port"
