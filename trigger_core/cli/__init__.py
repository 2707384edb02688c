"""The command line: ``trigger-core``."""

from __future__ import annotations

import os
import stat
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any, Final

from trigger_core import _admin, imports
from trigger_core.cli import _commands, _sending, _serve, _sql, _store
from trigger_core.cli._parser import STORE_VARIABLE, parser
from trigger_core.cli._streams import OutputClosed, Terminal, prepare
from trigger_core.errors import InvalidInput, TriggerCoreError

__all__ = ["main"]

_READ: Final = ("record", "import contacts", "import list")
_MAKE_STORE: Final = (*_READ, "keys create", "init")
_ELSEWHERE: Final = ("command", "action", "store", "file")


def main(argv: Sequence[str] | None = None) -> int:
    """Carries out a command.

    Args:
        argv: the arguments, otherwise those of the process.

    Returns:
        The exit code: 0 done, 1 it found something wrong, 2 wrong use or bad input, 130 interrupted.

    >>> main(["sql", "show", "version"])
    -- A number that grows with every write that changes an answer about a trigger; null where there is no such trigger.
    -- $account: the tenant
    -- $trigger_id: the trigger
    select sum(writes)::bigint as version
    from tally
    where account = $account and trigger_id = $trigger_id::uuid
    0
    """
    prepare()
    arguments = parser().parse_args(argv)
    streams = Terminal(getattr(arguments, "file", None))
    try:
        code = _dispatch(arguments, streams)
        streams.close()
    except OutputClosed:
        # What is still buffered has nowhere to go; without this, Python complains about it when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        streams.wipe()
        return 130
    except (TriggerCoreError, OSError) as error:
        streams.error(f"trigger-core: {_commands.said(error)}")
        return 2
    return code


def _dispatch(arguments: Namespace, streams: Terminal) -> int:
    command = " ".join(filter(None, (arguments.command, getattr(arguments, "action", None))))
    match command:
        case "sql list":
            return _commands.list_queries(_sql.listed(), arguments.json, streams)
        case "sql show":
            streams.out(_sql.shown(arguments.name, arguments.dialect).encode())
            return 0
        case "demo":
            return _serve.demo(arguments.store, arguments.port)
    if command == "copy":
        return _copy(vars(arguments), streams)
    if arguments.store is None:
        raise InvalidInput(f"which store? give --store, or set {STORE_VARIABLE}")
    if command in ("serve", "worker"):
        sending = _sending.asked(arguments)
        if command == "worker":
            return _serve.work(arguments.store, sending)
        return _serve.serve(
            arguments.store, arguments.host, arguments.port, sending if arguments.worker else None
        )
    if command == "init" and arguments.distributed and _store.is_file(arguments.store):
        raise InvalidInput(  # before one is made
            "--distributed needs a PostgreSQL database with the Citus extension: "
            "a DuckDB store is one file of one process"
        )
    values = _values(command, arguments)
    reached = _store.reach(arguments.store, make=command in _MAKE_STORE)
    if isinstance(reached, str):
        sends = command in _READ and values.get("path") is None
        return _admin.ask(reached, command, values, streams, sends=sends)
    with reached:
        return _commands.carry_out(reached, command, values, streams)


def _copy(arguments: Mapping[str, Any], streams: Terminal) -> int:
    """Copies in this process or, where a service has one of the stores open, in that service's."""
    urls = {side: _store.named(arguments[side]) for side in ("from", "to")}
    values: dict[str, Any] = {"json": arguments["json"], "from": None, "to": urls["to"]}
    source = _store.reach(urls["from"], make=False)
    if isinstance(source, str):
        return _admin.ask(source, "copy", values, streams)
    with source:
        target = _store.reach(urls["to"], make=True)
        if not isinstance(target, str):
            target.close()
            return _commands.carry_out(source, "copy", values, streams)
    return _admin.ask(target, "copy", values | {"from": urls["from"], "to": None}, streams)


def _values(command: str, arguments: Namespace) -> dict[str, Any]:
    """The arguments as a process elsewhere needs them."""
    values = {name: value for name, value in vars(arguments).items() if name not in _ELSEWHERE}
    if command in _READ:
        values["size"] = _size(arguments.file)
    if command in ("import contacts", "import list"):
        path = None if arguments.file == "-" else arguments.file
        values["format"] = imports.format_of(path, arguments.format)
        if path is not None and values["format"] in imports.READERS:
            values["path"] = os.path.abspath(path)
    elif command == "snapshot":
        values["path"] = os.path.abspath(arguments.path)
    elif command == "sql run":
        values["parameters"] = dict(arguments.parameters)
        if len(values["parameters"]) < len(arguments.parameters):
            raise InvalidInput("a parameter is given twice")
    return values


def _size(path: str) -> int | None:
    """How big a file is, if that can be told; an error, before a store is made, if it can't be read."""
    # who writes into a pipe may see it opened only once
    if path == "-" or stat.S_ISFIFO(os.stat(path).st_mode):
        return None
    with open(path, "rb") as file:
        return os.fstat(file.fileno()).st_size or None
