"""What only the DuckDB store has to promise: one process, a file that others can read, and a careful connection."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

import trigger_core
import trigger_sql
from trigger_core.errors import (
    InvalidValue,
    StoreClosed,
    StoreError,
    StoreInUse,
    StoreTooNew,
    StoreUnavailable,
)
from trigger_core.facts import Job
from trigger_core.testing.contract.samples import DIRECT, EXECUTION, direct_trigger
from trigger_core.testing.contract.sending.test_worker import send
from trigger_core.testing.contract.sending.world import ACCOUNT, fill
from trigger_duckdb import DuckDBStore, _store

ROOT = Path(__file__).parents[2]
SCRATCH = ".store.duckdb.trigger-core-snapshot"
TABLES = re.findall(r"^create table (\w+)", trigger_sql.script("schema"), re.MULTILINE)


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
    """A second library on one file of the same process is refused, by whatever name, until the first is closed."""
    first, *others = (tmp_path / name for name in ("store.duckdb", "symbolic.duckdb", "hard.duckdb"))
    with trigger_core.open(first):
        others[0].symlink_to(first)
        others[1].hardlink_to(first)
        for path in (first, *others):
            with pytest.raises(StoreInUse, match="share that one"):
                trigger_core.open(path)
    for path in (first, *others):
        trigger_core.open(path).close()


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


@pytest.mark.parametrize(
    "statements",
    [
        ["create table schema_version (version integer)", "insert into schema_version values (1)"],
        ["create table schema_version (release varchar)", "create table tally (a integer)"],
        ["create table schema_version (version integer)", "create table tally (a integer)"],
        ["create table schema_version as select 'one' as version", "create table tally (a integer)"],
        ["create table schema_version as select 1 as version", "create table tally (a integer)"],
        [f"create table {table} (version integer)" for table in TABLES],
        [f"create table {table} as select 'one' as version" for table in TABLES],
    ],
)
def test_a_database_that_looks_like_ours_is_refused_and_untouched(
    tmp_path: Path, statements: list[str]
) -> None:
    """Other tools have a table schema_version too: what isn't wholly ours raises StoreError and stays as it was."""
    foreign = tmp_path / "foreign.duckdb"
    with duckdb.connect(foreign) as connection:
        for statement in statements:
            connection.execute(statement)
    before = foreign.read_bytes()
    with pytest.raises(StoreError):
        trigger_core.open(foreign)
    assert foreign.read_bytes() == before


def test_a_place_where_no_file_can_be_is_named(tmp_path: Path) -> None:
    """A missing folder, a folder and an empty file raise StoreError, for trying again won't help."""
    (tmp_path / "empty.duckdb").touch()
    for path in (tmp_path / "no" / "such" / "store.duckdb", tmp_path, tmp_path / "empty.duckdb"):
        with pytest.raises(StoreError, match=re.escape(str(path))) as caught:
            trigger_core.open(path)
        assert not isinstance(caught.value, StoreInUse)
    assert [path.name for path in tmp_path.iterdir()] == ["empty.duckdb"]


def test_processes_that_make_one_store_together_share_it(tmp_path: Path) -> None:
    """Of several processes that make a store at once each gets it in the end, and none writes over another's."""
    script = """
import sys, time, trigger_core
from trigger_core.testing.contract.samples import direct_trigger, jobs
from trigger_core.errors import StoreInUse
while True:
    try:
        library = trigger_core.open(sys.argv[1])
        break
    except StoreInUse:
        time.sleep(0.001)
library.record(direct_trigger())
library.record(jobs(int(sys.argv[2]), int(sys.argv[2])))
library.close()
"""
    store = tmp_path / "store.duckdb"
    started = [
        subprocess.Popen([sys.executable, "-c", script, str(store), str(number)], cwd=ROOT)
        for number in (1, 2, 3)
    ]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    with trigger_core.open(store) as library:
        assert [found.job_id for found in library.jobs("acme", EXECUTION).jobs] == [1, 2, 3]
    assert [path.name for path in tmp_path.iterdir()] == ["store.duckdb"]


FORKS = """
import os, sys, threading, time
import trigger_core
from trigger_core.testing.contract.samples import DIRECT, EXECUTION, direct_trigger, jobs
from trigger_core.errors import StoreForked

library = trigger_core.open(sys.argv[1])
library.record(direct_trigger())
acknowledged = []
done = threading.Event()

def write():
    for number in range(1, 2000):
        if done.is_set():
            break
        library.record(jobs(number, number))
        acknowledged.append(number)

def refused(call):
    try:
        call()
    except StoreForked:
        return True
    return False

calls = [
    library.health,
    lambda: library.record(jobs(9_000, 9_000)),
    lambda: library.jobs("acme", EXECUTION),
    lambda: library.document("acme", DIRECT, "direct"),
    lambda: library.compact(),
    lambda: list(library.audit()),
    lambda: library.create_key("acme", ["read"]),
]
for call in calls[2:4]:
    call()
writer = threading.Thread(target=write)
writer.start()
for number in range(int(sys.argv[2])):
    time.sleep(0.01)
    child = os.fork()
    if child == 0:
        right = all(map(refused, calls))
        library.close()
        if number % 2:
            os._exit(0 if right else 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        del library
        sys.exit()  # DuckDB may crash as the interpreter ends: only the parent's facts matter here
    status = os.waitpid(child, 0)[1]
    assert number % 2 == 0 or status == 0, status
done.set()
writer.join()
assert acknowledged
library.close()
with trigger_core.open(sys.argv[1]) as again:
    assert again.jobs("acme", EXECUTION).pagination.total == len(acknowledged)
    assert list(again.audit()) == []
print("done")
"""


@pytest.mark.parametrize(
    "forks", [pytest.param(4, id="short"), pytest.param(60, id="long", marks=pytest.mark.deep)]
)
def test_a_forked_child_is_told_and_harms_nothing(tmp_path: Path, forks: int) -> None:
    """In a child every call raises StoreForked, even one forked amid a write; the parent loses nothing by it."""
    ended = run(FORKS, str(tmp_path / "store.duckdb"), str(forks))
    assert (ended.stdout, ended.returncode) == ("done\n", 0), ended.stderr


def test_what_is_acknowledged_after_a_fork_survives_a_kill(tmp_path: Path) -> None:
    """A child that drops the store it inherited takes nothing away of what its parent writes."""
    script = """
import gc, os, signal, sys
import trigger_core
from trigger_core.testing.contract.samples import direct_trigger, jobs
library = trigger_core.open(sys.argv[1])
library.record(direct_trigger())
child = os.fork()
if not child:
    del library
    gc.collect()
    os._exit(0)
os.waitpid(child, 0)
for number in range(1, 21):
    library.record(jobs(number, number))
os.kill(os.getpid(), signal.SIGKILL)
"""
    store = tmp_path / "store.duckdb"
    ended = subprocess.run([sys.executable, "-c", script, str(store)], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    with trigger_core.open(store) as library:
        assert library.jobs("acme", EXECUTION).pagination.total == 20


INTERRUPTS = """
import json, random, signal, sys
import trigger_core
from trigger_core.testing.contract.samples import DIRECT, EXECUTION, direct_trigger, jobs, outcome

armed = False

def ring(*_):
    global armed
    if armed:
        armed = False
        raise KeyboardInterrupt

signal.signal(signal.SIGALRM, ring)
dice = random.Random(7)
library = trigger_core.open(sys.argv[1])
library.record(direct_trigger())
recorded = interrupted = turn = 0
while interrupted < int(sys.argv[2]):
    turn += 1
    call = [*jobs(recorded + 1, recorded + 50), *(outcome(recorded + n) for n in range(1, 51))]
    try:
        armed = True
        signal.setitimer(signal.ITIMER_REAL, 0.0005 + dice.random() * 0.04)
        library.record(call)
        armed = False
        whole = {recorded + 50}
    except KeyboardInterrupt:
        interrupted += 1
        whole = {recorded, recorded + 50}
    signal.setitimer(signal.ITIMER_REAL, 0)
    found = library.jobs("acme", EXECUTION).pagination.total
    assert found in whole, (found, whole)
    assert json.loads(library.document("acme", DIRECT, "direct").body)["jobs"]["sent"] == found
    recorded = found
assert turn > 5
assert list(library.audit()) == []
library.close()
with trigger_core.open(sys.argv[1]) as again:
    assert again.jobs("acme", EXECUTION).pagination.total == recorded
print("done")
"""


@pytest.mark.parametrize(
    "interrupts", [pytest.param(25, id="short"), pytest.param(1000, id="long", marks=pytest.mark.deep)]
)
def test_an_interrupt_comes_through_and_leaves_nothing_half(tmp_path: Path, interrupts: int) -> None:
    """Ctrl-C amid a call is a KeyboardInterrupt; the call is whole or not there, and the next one works."""
    ended = run(INTERRUPTS, str(tmp_path / "store.duckdb"), str(interrupts))
    assert (ended.stdout, ended.returncode) == ("done\n", 0), ended.stderr


class Failing:
    """A cursor whose commit fails for good, before or after it is done."""

    def __init__(self, store: DuckDBStore, is_done: bool) -> None:
        self._cursor, self._store, self._is_done = cast("Any", store._writer), store, is_done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def commit(self) -> None:
        """Fails."""
        if self._is_done:
            self._cursor.commit()
        cast("Any", self._store._root).close()
        raise duckdb.FatalException("the disk is gone")


@pytest.mark.parametrize("is_done", [False, True])
def test_a_commit_that_fails_is_in_doubt(tmp_path: Path, is_done: bool) -> None:
    """What may or may not be durable is looked at again: it is recorded once, and sent once."""
    with trigger_core.open(tmp_path / "store.duckdb") as library:
        fill(library)
        store = cast(DuckDBStore, library.store)
        store._writer = cast("Any", Failing(store, is_done))
        send(library, contact_external_id="user_1")
        assert len(library.triggers(ACCOUNT).triggers) == 1
        library.record(direct_trigger())
        store._writer = cast("Any", Failing(store, is_done))
        library.record([job(1)])
        assert library.jobs("acme", EXECUTION).pagination.total == 1


def test_a_commit_whose_checkpoint_fails_is_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts that are safe in the log are recorded, though the database failed as it wrote them into the file."""

    def commit(store: DuckDBStore, writer: duckdb.DuckDBPyConnection) -> None:
        writer.commit()
        writer.close()
        cast("duckdb.DuckDBPyConnection", store._root).close()
        store._drop_failed()

    with trigger_core.open(tmp_path / "store.duckdb") as library:
        with monkeypatch.context() as patched:
            patched.setattr(DuckDBStore, "_commit", commit)
            library.record([*direct_trigger(), job(1)])
        library.record([job(2)])
        assert library.jobs("acme", EXECUTION).pagination.total == 2


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


def test_a_snapshot_is_written_whatever_an_earlier_one_left(tmp_path: Path) -> None:
    """What a killed process left of its snapshot is in nobody's way; a folder that isn't there is named."""
    left = tmp_path / SCRATCH
    left.mkdir()
    with duckdb.connect(left / "copy") as connection:
        connection.execute("create table tally (a integer)")
    with trigger_core.open(tmp_path / "store.duckdb") as library:
        library.record([*direct_trigger(), job(1)])
        with pytest.raises(InvalidValue, match="no folder"):
            library.snapshot(tmp_path / "no" / "copy.duckdb")
        library.snapshot(tmp_path / "it's a copy.duckdb")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["it's a copy.duckdb", "store.duckdb"]
    assert shell(tmp_path / "it's a copy.duckdb", "select pending from execution_counts") == [{"pending": 1}]


def test_a_question_mark_is_refused(tmp_path: Path) -> None:
    """No store or snapshot lies at a path with one, where DuckDB would look for its log elsewhere and fail later."""
    (tmp_path / "what?").mkdir()
    (tmp_path / "link").symlink_to("what?")
    with trigger_core.open(":memory:") as library:
        for path in ("store.duckdb?mode=rw", "what?/store.duckdb", "link/store.duckdb"):
            with pytest.raises(InvalidValue, match=r"store: must be a path without \?"):
                trigger_core.open(f"duckdb://{tmp_path}/{path}")
            with pytest.raises(InvalidValue, match=r"path: .* no \? in it"):
                library.snapshot(tmp_path / path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["link", "what?"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_snapshot_on_another_file_system_is_whole_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Where it is written and breaks off nothing is left, and another try succeeds; whatever the store is called."""

    def rename(old: str, new: str) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    def copy(source: str, target: str, **_: object) -> None:
        Path(target).write_bytes(Path(source).read_bytes()[:5000])
        raise error

    monkeypatch.setattr(os, "rename", rename)
    with trigger_core.open(tmp_path / "snapshot.duckdb") as library:
        library.record([*direct_trigger(), job(1)])
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "copyfile", copy)
            with pytest.raises((StoreUnavailable, KeyboardInterrupt)):
                library.snapshot(tmp_path / "copy.duckdb")
        assert {path.name for path in tmp_path.iterdir()} <= {"snapshot.duckdb", "snapshot.duckdb.wal"}
        library.snapshot(tmp_path / "copy.duckdb")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.duckdb", "snapshot.duckdb"]
    assert shell(tmp_path / "copy.duckdb", "select pending from execution_counts") == [{"pending": 1}]


@pytest.mark.parametrize("links", [True, False])
def test_a_snapshot_replaces_no_file_that_came_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    """A file that was made while the copy was, is kept; also where the file system has no links."""
    taken, move = tmp_path / "taken.duckdb", shutil.move

    def slowly(source: str, target: str) -> None:
        taken.write_text("mine")
        move(source, target)

    def link(source: str, target: str) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    with trigger_core.open(tmp_path / "store.duckdb") as library:
        if not links:
            monkeypatch.setattr(os, "link", link)
        library.snapshot(tmp_path / "copy.duckdb")
        monkeypatch.setattr(shutil, "move", slowly)
        with pytest.raises(InvalidValue, match="is there already"):
            library.snapshot(taken)
    assert taken.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.duckdb", "store.duckdb", "taken.duckdb"]


def test_a_snapshot_removes_nobodys_files(tmp_path: Path) -> None:
    """Whatever stands where copies are made stays, and no snapshot is written there."""
    for name in ("store.duckdb.snapshot", SCRATCH):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sunday.duckdb").write_text("kept")
    with trigger_core.open(tmp_path / "store.duckdb") as library:
        library.record([*direct_trigger(), job(1)])
        for wrong in (tmp_path / SCRATCH / "monday.duckdb", tmp_path / "x" / ".." / SCRATCH / "copy"):
            (tmp_path / "x").mkdir(exist_ok=True)
            with pytest.raises(InvalidValue, match="name another folder"):
                library.snapshot(wrong)
        library.snapshot(tmp_path / "store.duckdb.snapshot" / "monday.duckdb")
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.duckdb")}
    assert left == {
        "store.duckdb",
        "store.duckdb.snapshot/sunday.duckdb",
        "store.duckdb.snapshot/monday.duckdb",
        f"{SCRATCH}/sunday.duckdb",
    }
    monday = tmp_path / "store.duckdb.snapshot" / "monday.duckdb"
    assert shell(monday, "select pending from execution_counts") == [{"pending": 1}]


def test_a_snapshot_is_named_where_copies_would_be_made(tmp_path: Path) -> None:
    """A file of the name of the folder that copies are made in is refused, as trying again would not help."""
    with (
        trigger_core.open(tmp_path / "store.duckdb") as library,
        pytest.raises(InvalidValue, match="name another folder"),
    ):
        library.snapshot(tmp_path / SCRATCH)
    assert [path.name for path in tmp_path.iterdir()] == ["store.duckdb"]


def test_a_store_in_memory_leaves_nothing_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It writes no file but the snapshot that it is asked for."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with trigger_core.open(":memory:") as library:
        library.record([*direct_trigger(), job(1)])
        assert list(tmp_path.iterdir()) == []
        library.snapshot(tmp_path / "copy.duckdb")
    assert [path.name for path in tmp_path.iterdir()] == ["copy.duckdb"]
    with trigger_core.open(tmp_path / "copy.duckdb") as copy:
        assert copy.jobs("acme", EXECUTION).pagination.total == 1


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('/etc/hostname')",
        "copy jobs to '/tmp/trigger-core-test.csv'",
        "attach '/tmp/trigger-core-test.duckdb'",
        "install json",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "set memory_limit = '1GB'",
        "from '/etc/hostname'",
        "from statement",
        "load httpfs",
    ],
)
def test_sql_reaches_nothing_but_the_store(tmp_path: Path, statement: str) -> None:
    """Statements can neither read nor write other files, nor load extensions, nor change what is set for good."""
    with trigger_core.open(tmp_path / "store.duckdb") as library, pytest.raises(StoreError):
        library.store.table(statement, {})


def cores(session: Any) -> int:
    [(threads,)] = session.cursor.execute("select current_setting('threads')").fetchall()
    return int(threads)


def share_out(library: trigger_core.Library, beside: Any) -> None:
    """Says twice that many rows come, and brings many at the same time; then it is interrupted."""
    with library.store.write() as session:
        session.use_all_cores()
        with library.store.workspace() as other:
            other.append("staged_jobs", [(1, None, None, None, 1, "x", None, False)] * 5_000)
            session.use_all_cores()
            assert cores(beside) == 3
        assert cores(beside) == 3
        raise KeyboardInterrupt


def test_only_many_rows_are_shared_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements run on all cores while somebody's many rows are worth it, however that ends, and on one otherwise."""
    monkeypatch.setattr(_store, "_CORES", 3)
    with trigger_core.open(tmp_path / "store.duckdb") as library, library.store.read() as beside:
        assert cores(beside) == 1
        with pytest.raises(KeyboardInterrupt):
            share_out(library, beside)
        assert cores(beside) == 1


def test_who_has_many_rows_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is about all rows, or about a list, works on all cores, and is over then; what is about a few does not."""
    asked = []
    set_cores = DuckDBStore._set_cores

    def counted(store: DuckDBStore, cores: int) -> None:
        asked.append(cores)
        set_cores(store, cores)

    monkeypatch.setattr(DuckDBStore, "_set_cores", counted)
    monkeypatch.setattr(_store, "_CORES", 3)
    with trigger_core.open(tmp_path / "store.duckdb") as library:
        fill(library)
        library.record([*direct_trigger(), job(1)])
        send(library, contact_external_id="user_1")
        library.document("acme", DIRECT, "direct")
        assert asked == []
        for many in (
            lambda: list(library.audit()),
            library.compact,
            lambda: library.snapshot(tmp_path / "copy.duckdb"),
            lambda: send(library, list_name="everyone"),
        ):
            many()
            assert asked == [3, 1], many
            asked.clear()


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


def counted_in_vain(library: trigger_core.Library, error: type[BaseException]) -> None:
    """Records an event of a job that isn't there, and fails before that is committed."""
    with library.store.write() as session:
        session.run(
            "event_record",
            account="acme",
            trigger_id=DIRECT,
            execution_id=EXECUTION,
            job_id=9,
            type="opened",
            measures=["opened"],
            occurred_at="2025-11-23T10:00:00.000Z",
        )
        raise error


def test_an_error_inside_a_write_leaves_nothing(tmp_path: Path) -> None:
    """A write transaction left by an error, even an interrupt, is rolled back whole, and the next one works."""
    with trigger_core.open(tmp_path / "store.duckdb") as library:
        library.record(direct_trigger())
        for error in (RuntimeError, KeyboardInterrupt):
            with pytest.raises(error):
                counted_in_vain(library, error)
        library.record([job(1)])
        assert list(library.audit()) == []
        assert library.trigger("acme", DIRECT).summary.total_contacts == 1


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """Where the file can't grow the call raises StoreUnavailable; with room again the same call works."""
    script = """
import resource, signal, sys
import trigger_core
from trigger_core.testing.contract.samples import EXECUTION, direct_trigger
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
