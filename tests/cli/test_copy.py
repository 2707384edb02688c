"""`copy`: between stores that are closed, and through the service that has one of them open."""

import json
from pathlib import Path

import pytest

import trigger_core
from tests.cli.conftest import Run, service
from trigger_core.catalog import Contact
from trigger_core.testing.contract.samples import DIRECT, direct_trigger, jobs, outcome


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A closed store with a send that has ended."""
    path = tmp_path / "source.duckdb"
    with trigger_core.open(path) as library:
        library.record([*direct_trigger(), *jobs(1, 3), *(outcome(number) for number in (1, 2, 3))])
        library.catalog.put("acme", Contact(external_id="ada"))
        library.create_key("acme", ["read"])
    return path


def sent(store: Path) -> int:
    with trigger_core.open(store) as library:
        return library.trigger("acme", DIRECT).summary.sent


def test_copy(run: Run, source: Path, tmp_path: Path) -> None:
    """Says what went over and that both are sound; as JSON, too; a second copy brings nothing more."""
    done = run("copy", "--from", source, "--to", tmp_path / "new.duckdb")
    assert (done.code, done.err) == (0, "")
    assert (
        done.out == "copied 1 keys, 1 contacts, 1 triggers, 3 jobs, 8 facts\nno difference on either side\n"
    )
    assert sent(tmp_path / "new.duckdb") == 3
    again = run("copy", "--from", source, "--to", tmp_path / "new.duckdb", "--json")
    assert json.loads(again.out) == {
        "keys": 0, "templates": 0, "template_groups": 0, "workflows": 0, "lists": 0, "contacts": 1,
        "triggers": 1, "jobs": 3, "facts": 0, "unsent": 0, "differences": {"source": [], "target": []},
    }  # fmt: skip


def test_copy_that_is_not_sound(run: Run, source: Path, tmp_path: Path) -> None:
    """A difference on either side is said, and makes exit code 1."""
    with trigger_core.open(source) as library, library.store.write() as session:
        session.cursor.execute("update tally set n = 7 where measure = 'jobs'")  # type: ignore[attr-defined]
    done = run("copy", "--from", source, "--to", tmp_path / "new.duckdb")
    assert done.code == 1
    assert "source: acme, trigger" in done.out
    assert "target: " not in done.out


def test_copy_of_what_contradicts(run: Run, source: Path, tmp_path: Path) -> None:
    """What both say differently is named, line by line, with exit code 2; so is a store that isn't there."""
    other = tmp_path / "other.duckdb"
    with trigger_core.open(other) as library:
        library.catalog.put("acme", Contact(external_id="ada", country="IN"))
    done = run("copy", "--from", source, "--to", other)
    assert (done.code, done.out) == (2, "")
    assert "account acme, contact ada: is another one in the target\n" in done.err
    missing = run("copy", "--from", tmp_path / "none.duckdb", "--to", other)
    assert (missing.code, "there is no store at" in missing.err) == (2, True)


@pytest.mark.parametrize("served", ["source", "target"])
def test_copy_beside_a_service(run: Run, source: Path, tmp_path: Path, served: str) -> None:
    """A store that a server has open is copied by that server, which answers meanwhile, whichever side it is."""
    target = tmp_path / "target.duckdb"
    trigger_core.open(target).close()
    store = source if served == "source" else target
    with service("serve", "--store", store, "--port", 0) as running:
        done = run("copy", "--from", source, "--to", target)
        running.stop()
    assert (done.code, done.err) == (0, "")
    assert sent(target) == 3
