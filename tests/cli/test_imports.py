"""Contacts and lists from files, into a store of one's own and beside a live service."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import PROGRAM, Run

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
    duckdb = pytest.importorskip("duckdb")
    monkeypatch.chdir(tmp_path)
    with duckdb.connect() as connection:
        connection.execute("copy (select 'user_' || range as external_id from range(3)) to 'three.parquet'")
    done = run("import", "list", "three", "--store", store, "--account", "acme", "three.parquet")
    assert (done.code, done.out, done.err) == (0, "stored 3 of 3 rows\n", "")
    assert size(run, store, "three") == 3


def test_invalid_rows(run: Run, store: Path, tmp_path: Path) -> None:
    """Each bad row is named and nothing stored, unless they are to be skipped; a hundred are named at most."""
    path = tmp_path / "contacts.csv"
    path.write_text(CONTACTS + ",+14155550103,Eve\n" * 150)
    refused = run("import", "contacts", "--store", store, "--account", "acme", path)
    assert (refused.code, refused.out) == (2, "")
    first, *_, more, last = refused.err.splitlines()
    assert first == "line 4: external_id: is missing"
    assert more == "and 50 more"
    assert last == "nothing was stored, 150 rows are invalid; --skip-invalid stores the rest"
    done = run("import", "contacts", "--skip-invalid", "--store", store, "--account", "acme", path)
    assert (done.code, done.out) == (0, "stored 2 of 152 rows; skipped 150 invalid rows\n")


def test_a_long_file_that_is_refused_at_once(run: Run, store: Path, tmp_path: Path) -> None:
    """What is wrong with a header is told though nobody reads the rest of the file."""
    path = tmp_path / "contacts.csv"
    path.write_text("name\n" + "Ada\n" * 1_000_000)
    done = run("import", "contacts", "--store", store, "--account", "acme", path)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1] == "header: must have a column external_id; it has name"


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
