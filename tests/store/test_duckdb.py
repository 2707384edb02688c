"""What only the DuckDB store has to promise: one process, a file that others can read, and a careful connection."""

import json
import os
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path

import duckdb
import pytest

import trigger_core
import trigger_sql
from tests.samples import DIRECT, EXECUTION, direct_trigger
from trigger_core.errors import InvalidValue, StoreClosed, StoreError, StoreInUse, StoreTooNew
from trigger_core.facts import Job

ROOT = Path(__file__).parents[2]


def job(job_id: int) -> Job:
    """A job of the sample's execution."""
    return Job(execution_id=EXECUTION, job_id=job_id, contact=f"user_{job_id}")


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in another process."""
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def shell(store: Path, query: str) -> list[dict[str, object]]:
    """What the DuckDB shell of the last generation answers."""
    command = [str(Path(sysconfig.get_path("scripts")) / "duckdb"), "-readonly", "-json", str(store), query]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows: list[dict[str, object]] = json.loads(printed)
    return rows


def test_a_second_process_is_told_who_has_the_store(tmp_path: Path) -> None:
    """Opening a store that another process has open raises StoreInUse, which names that process."""
    script = """
import sys, trigger_core
from trigger_core.errors import StoreInUse
try:
    trigger_core.open(sys.argv[1])
except StoreInUse as error:
    print(error)
"""

    with trigger_core.open(tmp_path / "store.duckdb"):
        told = run(script, str(tmp_path / "store.duckdb")).stdout
    assert f"is open in process {os.getpid()}" in told


def test_the_same_process_is_told_to_share(tmp_path: Path) -> None:
    """A second library on one file of the same process is refused."""
    with trigger_core.open(tmp_path / "store.duckdb"), pytest.raises(StoreInUse):
        trigger_core.open(tmp_path / "store.duckdb")


def test_a_newer_store_is_refused_and_untouched(tmp_path: Path) -> None:
    """A file with a newer schema raises StoreTooNew and stays as it was."""
    store = tmp_path / "store.duckdb"
    trigger_core.open(store).close()
    with duckdb.connect(store) as connection:
        connection.execute("insert into schema_version values (9999, now()::timestamp)")
    before = store.read_bytes()
    with pytest.raises(StoreTooNew, match="9999"):
        trigger_core.open(store)
    assert store.read_bytes() == before


def test_a_database_of_something_else_is_refused_and_untouched(tmp_path: Path) -> None:
    """A DuckDB file with other tables, and a file that is no database, raise StoreError and stay as they were."""
    foreign, noise = tmp_path / "foreign.duckdb", tmp_path / "noise.duckdb"
    with duckdb.connect(foreign) as connection:
        connection.execute("create table mine (a integer)")
    noise.write_text("not a database" * 1000)
    for file in (foreign, noise):
        before = file.read_bytes()
        with pytest.raises(StoreError):
            trigger_core.open(file)
        assert file.read_bytes() == before


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrations are one transaction: when a later one fails, no earlier one is kept."""
    store = tmp_path / "store.duckdb"
    good = trigger_sql.migrations()
    monkeypatch.setattr(trigger_sql, "migrations", lambda: (*good, (9998, "create table a (b no_such_type)")))
    with pytest.raises(StoreError):
        trigger_core.open(store)
    monkeypatch.undo()
    with duckdb.connect(store) as connection:
        assert connection.execute("select count(*) from duckdb_tables()").fetchall() == [(0,)]


def test_the_shell_opens_a_closed_store(tmp_path: Path) -> None:
    """The file is one that the DuckDB shell of 1.5 opens."""
    store = tmp_path / "store.duckdb"
    with trigger_core.open(store) as library:
        library.record([*direct_trigger(), job(1)])
    assert shell(store, "select pending from execution_counts") == [{"pending": 1}]


def test_a_snapshot_is_whole_while_others_write(tmp_path: Path) -> None:
    """A snapshot taken under writers is one state: its audit is empty, and the shell opens it."""
    with trigger_core.open(tmp_path / "store.duckdb") as library:
        library.record(direct_trigger())
        done = threading.Event()

        def write() -> None:
            job_id = 0
            while not done.is_set():
                job_id += 1
                library.record([job(job_id)])

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(2):
                library.snapshot(tmp_path / f"snapshot {number}.duckdb")
        finally:
            done.set()
            writer.join()
        with pytest.raises(InvalidValue, match="is there already"):
            library.snapshot(tmp_path / "snapshot 0.duckdb")
    for number in range(2):
        snapshot = tmp_path / f"snapshot {number}.duckdb"
        [counts] = shell(snapshot, "select total, pending from execution_counts")
        assert counts["total"] == counts["pending"]
        with trigger_core.open(snapshot) as copy:
            assert list(copy.audit()) == []
            assert copy.jobs("acme", EXECUTION).pagination.total == counts["total"]


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('/etc/hostname')",
        "copy jobs to '/tmp/trigger-core-test.csv'",
        "attach '/tmp/trigger-core-test.duckdb'",
        "install json",
        "set enable_external_access = true",
    ],
)
def test_sql_reaches_nothing_but_the_store(tmp_path: Path, statement: str) -> None:
    """Statements can neither read nor write other files, nor load extensions, nor change the settings."""
    with trigger_core.open(tmp_path / "store.duckdb") as library, pytest.raises(StoreError):
        library.store.table(statement, {})


def test_a_closed_library_says_so(tmp_path: Path) -> None:
    """After close every call raises StoreClosed; closing again does nothing."""
    library = trigger_core.open(tmp_path / "store.duckdb")
    library.record(direct_trigger())
    library.document("acme", DIRECT, "direct")
    library.close()
    library.close()
    for ask in (
        library.health,
        lambda: library.trigger("acme", DIRECT),
        lambda: library.document("acme", DIRECT, "direct"),
        lambda: library.record([job(1)]),
    ):
        with pytest.raises(StoreClosed):
            ask()


def emptied_in_vain(library: trigger_core.Library, error: type[BaseException]) -> None:
    """Takes out a ledger, and fails before that is committed."""
    with library.store.write() as session:
        session.run("fold_empty", account="acme", trigger_id=DIRECT)
        raise error


def test_an_error_inside_a_write_leaves_nothing(tmp_path: Path) -> None:
    """A write transaction left by an error, even an interrupt, is rolled back whole, and the next one works."""
    with trigger_core.open(tmp_path / "store.duckdb") as library:
        library.record(direct_trigger())
        for error in (RuntimeError, KeyboardInterrupt):
            with pytest.raises(error):
                emptied_in_vain(library, error)
        library.record([job(1)])
        assert list(library.audit()) == []
        assert library.trigger("acme", DIRECT).summary.total_contacts == 1


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """Where the file can't grow the call raises StoreUnavailable; with room again the same call works."""
    script = """
import resource, signal, sys
import trigger_core
from tests.samples import EXECUTION, direct_trigger
from trigger_core.errors import StoreUnavailable
from trigger_core.facts import Job
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
library = trigger_core.open(sys.argv[1])
library.record(direct_trigger())
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
recorded = failed = 0
for call in range(60):
    jobs = [Job(execution_id=EXECUTION, job_id=call * 100 + n, contact=f"{call}-{n}" * 9) for n in range(1, 101)]
    try:
        library.record(jobs)
        recorded += 100
    except StoreUnavailable:
        failed += 1
        assert library.jobs("acme", EXECUTION).pagination.total == recorded
        assert list(library.audit()) == []
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        library.record(jobs)
        recorded += 100
        break
assert failed, "the limit was never met"
library.close()
with trigger_core.open(sys.argv[1]) as again:
    assert again.jobs("acme", EXECUTION).pagination.total == recorded
    assert list(again.audit()) == []
"""
    ended = run(script, str(tmp_path / "store.duckdb"))
    assert ended.returncode == 0, ended.stderr
