"""Contacts and lists from files, into a store of one's own and beside a live service."""

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import duckdb
import pytest

import trigger_core
from tests.cli.conftest import PROGRAM, Run
from trigger_core.catalog import Contact

CONTACTS = "external_id,phone_number,attributes.name\nuser_1,+14155550101,Ada\nuser_2,+14155550102,Bob\n"


@pytest.fixture(scope="module", params=["alone", "served"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that isn't there yet, or one that a service has open."""
    if request.param == "served":
        path: Path = request.getfixturevalue("served")
        return path
    return tmp_path_factory.mktemp("alone") / "alone.duckdb"


@pytest.fixture
def contacts(tmp_path: Path) -> Path:
    """A file of two contacts."""
    path = tmp_path / "contacts.csv"
    path.write_text(CONTACTS)
    return path


def size(run: Run, store: Path, name: str) -> int:
    """How many contacts a list has, as the shipped query tells it."""
    found = run("sql", "run", "--json", "--store", store, "catalog_list", "account=acme", f"name={name}")
    return int(json.loads(found.out)["members"])


def test_contacts(run: Run, store: Path, contacts: Path) -> None:
    """Contacts are stored, as often as they come; with --json the counts are an object."""
    done = run("import", "contacts", "--store", store, "--account", "acme", contacts)
    assert (done.code, done.out, done.err) == (0, "stored 2 of 2 rows\n", "")
    again = run("import", "contacts", "--json", "--store", store, "--account", "acme", contacts)
    assert json.loads(again.out) == {"rows": 2, "stored": 2, "skipped": 0}


def test_list(run: Run, store: Path, contacts: Path) -> None:
    """A list is what the file has, also one of contacts, and also from standard input."""
    done = run("import", "list", "everyone", "--store", store, "--account", "acme", contacts)
    assert (done.code, done.out) == (0, "stored 2 of 2 rows\n")
    assert size(run, store, "everyone") == 2
    streamed = subprocess.run(
        [
            *PROGRAM,
            "import",
            "list",
            "some",
            "-",
            "--format",
            "ndjson",
            "--store",
            store,
            "--account",
            "acme",
        ],
        input='{"external_id": "user_2"}\n',
        capture_output=True,
        text=True,
        check=True,
    )
    assert (streamed.stdout, streamed.stderr) == ("stored 1 of 1 rows\n", "")
    assert size(run, store, "some") == 1


def test_parquet(run: Run, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Parquet file is read where it lies, also when its path is a relative one."""
    monkeypatch.chdir(tmp_path)
    with duckdb.connect() as connection:
        connection.execute("copy (select 'user_' || range as external_id from range(3)) to 'three.parquet'")
    done = run("import", "list", "three", "--store", store, "--account", "acme", "three.parquet")
    assert (done.code, done.out, done.err) == (0, "stored 3 of 3 rows\n", "")
    assert size(run, store, "three") == 3


def test_invalid_rows(run: Run, store: Path, tmp_path: Path) -> None:
    """Each bad row is named and nothing stored, unless they are to be skipped; a thousand are named at most."""
    path = tmp_path / "contacts.csv"
    path.write_text(CONTACTS + ",+14155550103,Eve\n" * 1050)
    refused = run("import", "contacts", "--store", store, "--account", "acme", path)
    assert (refused.code, refused.out) == (2, "")
    first, *_, more, last = refused.err.splitlines()
    assert first == "line 4: external_id: is missing"
    assert more == "and 50 more"
    assert last == "nothing was stored, 1050 rows are invalid; --skip-invalid stores the rest"
    done = run("import", "contacts", "--skip-invalid", "--store", store, "--account", "acme", path)
    assert (done.code, done.out) == (0, "stored 2 of 1052 rows; skipped 1050 invalid rows\n")


def test_a_long_file_that_is_refused_at_once(run: Run, store: Path, tmp_path: Path) -> None:
    """What is wrong with a header is told though nobody reads the rest of the file."""
    path = tmp_path / "contacts.csv"
    path.write_text("name\n" + "Ada\n" * 1_000_000)
    done = run("import", "contacts", "--store", store, "--account", "acme", path)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1] == "header: must have a column external_id; it has name"


def watched(*command: object) -> tuple[int, bytes, str, int]:
    """A command whose errors go to a terminal: its code, what it says here and there, and the most bytes it took."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # nobody holds the other end any more
            while data := os.read(ours, 1 << 16):
                seen += data
        os.close(ours)
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    return process.returncode, out, seen.decode(), usage.ru_maxrss * unit


@pytest.mark.parametrize(
    ("format", "count"),
    [
        ("csv", 2000),
        *(pytest.param(each, 1_000_000, marks=pytest.mark.deep) for each in ("csv", "ndjson", "parquet")),
    ],
)
def test_a_file_of_any_size(tmp_path: Path, format: str, count: int) -> None:
    """Contacts of every format are stored as they are said, with a bar that fills and in memory that doesn't grow."""
    path = tmp_path / f"contacts.{format}"
    spoken = (
        """case n % 3 when 0 then 'sms email' when 1 then 'none' end as opted_out, 'No. ' || n as "attributes.name" """
        if format == "csv"
        else """case n % 3 when 0 then ['sms', 'email'] when 1 then [] end as opted_out,
                {'name': 'No. ' || n} as attributes"""
    )
    with duckdb.connect() as connection:
        connection.execute(
            f"""copy (
                select
                    'user_' || n as external_id,
                    case when n % 2 = 0 then 'User.' || n || '@EXAMPLE.org' end as email,
                    case n % 4
                        when 0 then '+1415555' || lpad((n % 10000)::varchar, 4, '0')
                        when 1 then '+91 84894 ' || lpad((n % 100000)::varchar, 5, '0')
                        when 2 then '0151 2' || lpad((n % 10000000)::varchar, 7, '0')
                        else '12345'
                    end as phone_number,
                    case when n % 4 = 2 then 'DE' end as country,
                    {spoken}
                from range({count}) as t (n)
            ) to '{path}' (format {"json" if format == "ndjson" else format})"""  # noqa: S608
        )
    store = tmp_path / "store.duckdb"
    code, out, bar, most = watched(
        *PROGRAM, "import", "contacts", path, "--account", "acme", "--store", store
    )
    assert (code, out) == (0, f"stored {count} of {count} rows\n".encode())
    assert most < 700_000_000
    for what in ("checking", "storing"):
        assert f"{what} {'#' * 10}" in bar
        assert re.search(rf"{what} #+ 100 %", bar)
    with trigger_core.open(store) as library:
        _, [(stored,)] = library.store.table("select count(*) from contacts", {})
        assert stored == count
        for n in {0, count - 1, *Random(count).sample(range(count), 100)}:
            number, country = (
                (f"+1415555{n % 10_000:04}", "US"),
                (f"+9184894{n % 100_000:05}", "IN"),
                (f"+491512{n % 10_000_000:07}", "DE"),
                ("12345", None),
            )[n % 4]
            assert library.catalog.contact("acme", f"user_{n}") == Contact(
                external_id=f"user_{n}",
                email=f"User.{n}@example.org" if n % 2 == 0 else None,
                email_valid=n % 2 == 0,
                phone_number=number,
                phone_number_valid=country is not None,
                country=country,
                opted_out=("email", "sms") if n % 3 == 0 else (),
                attributes={"name": f"No. {n}"},
            )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["contacts", "contacts.txt"], "csv, ndjson, parquet"),
        (["contacts", "-"], "csv, ndjson, parquet"),
        (["contacts", "none.csv"], "none.csv"),
        (["contacts", "-", "--format", "parquet"], "isn't read from a stream"),
        (["list", "", "contacts.csv"], "name:"),
    ],
)
def test_wrong_files(
    run: Run, store: Path, contacts: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], problem: str
) -> None:
    """A file that isn't there or of no known format, and a list without a name, are refused in one line."""
    monkeypatch.chdir(contacts.parent)
    (contacts.parent / "contacts.txt").write_text(CONTACTS)
    done = run("import", *arguments, "--store", store, "--account", "acme")
    assert (done.code, done.out) == (2, "")
    assert problem in done.err
    assert len(done.err.splitlines()) == 1


def test_contacts_without_what_checks_them(
    run: Run, tmp_path: Path, contacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where addresses can't be checked, it is said what to install."""
    monkeypatch.setattr("trigger_core._addresses._phonenumbers", missing)
    done = run("import", "contacts", "--store", tmp_path / "new.duckdb", "--account", "acme", contacts)
    assert done.code == 2
    assert "pip install 'trigger-core[send]'" in done.err


def missing() -> None:
    from trigger_core.errors import MissingExtra

    raise MissingExtra("phone numbers", "send")
