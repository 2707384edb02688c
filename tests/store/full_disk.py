"""What a store does on a full disk, each case for a process of its own: python -m tests.store.full_disk CASE STORE.

A limit on the size of files stands in for the end of the disk.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

import trigger_core
from trigger_core import Library
from trigger_core.errors import StoreError, StoreUnavailable
from trigger_core.facts import Fact
from trigger_core.testing.contract.samples import DIRECT, EXECUTION, direct_trigger, fact, jobs, outcome


@contextmanager
def full(*files: str, room: int = 0) -> Iterator[None]:
    """A disk on which no file grows beyond the largest of these, or little."""
    size = max((os.path.getsize(file) for file in files if os.path.exists(file)), default=0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def many(first: int, last: int) -> list[Fact]:
    """Jobs that take room on a disk."""
    return [
        fact("job", execution_id=EXECUTION, job_id=number, contact=os.urandom(80).hex())
        for number in range(first, last + 1)
    ]


def total(library: Library) -> int:
    """How many jobs are recorded."""
    return library.jobs("acme", EXECUTION).pagination.total or 0


def sound(library: Library, recorded: int) -> None:
    """Fails unless so many jobs are recorded, for every way of asking, and the audit is empty."""
    summary = library.triggers("acme").triggers[0].summary
    assert total(library) == summary.total_contacts == recorded
    assert b'"total_contacts":%d,' % recorded in library.document("acme", DIRECT, "direct").body
    assert list(library.audit()) == []
    library.health()


def refused(work: object, *errors: type[Exception]) -> Exception:
    """The error that a call raises."""
    try:
        work()  # type: ignore[operator]
    except errors as error:
        return error
    raise AssertionError("it did not fail")


def while_recording(store: str) -> None:
    """A call that finds no room fails whole, again and again; what was recorded answers; with room it works."""
    with trigger_core.open(store) as library:
        library.record([*direct_trigger(), *jobs(1, 10)])
        call = many(11, 2000)
        with full(store, f"{store}.wal", room=20_000):
            for _ in range(3):
                error = refused(lambda: library.record(call), StoreUnavailable)
                assert "the disk is full" in str(error), error
                sound(library, 10)
            library.record(jobs(1, 10))
            library.record([outcome(1)])
        library.record(call)
        sound(library, 2000)
    with trigger_core.open(store) as library:
        sound(library, 2000)
        assert library.job("acme", EXECUTION, 1).status == "sent"


def while_checkpointing(store: str) -> None:
    """Where writing the log into the file fails, the store opens itself again, for threads that know it too."""
    with trigger_core.open(store) as library:
        library.record([*direct_trigger(), *many(1, 1000)])
        asked, go = threading.Event(), threading.Event()
        found: list[object] = []

        def other() -> None:
            total(library)
            asked.set()
            go.wait()
            found.append(total(library))

        thread = threading.Thread(target=other)
        thread.start()
        asked.wait()
        with full(store, f"{store}.wal", room=20_000):
            for _ in range(2):
                refused(library.compact, StoreUnavailable)
                sound(library, 1000)
            library.record([outcome(1)])
        go.set()
        thread.join()
        assert found == [1000]
        library.compact()
        library.record(many(1001, 1010))
        sound(library, 1010)
    with trigger_core.open(store) as library:
        sound(library, 1010)
        assert library.job("acme", EXECUTION, 1).status == "sent"


def while_reading(store: str) -> None:
    """A thread that is reading when the store fails is told to try again, and then gets its answer."""
    with trigger_core.open(store) as library:
        library.record([*direct_trigger(), *many(1, 1000)])
        reading, go = threading.Event(), threading.Event()
        found: list[object] = []

        def other() -> None:
            try:
                with library.store.read() as session:
                    session.rows("version", account="acme", trigger_id=DIRECT)
                    reading.set()
                    go.wait()
                    session.rows("version", account="acme", trigger_id=DIRECT)
            except StoreUnavailable as error:
                found.append(error)
            found.append(total(library))

        thread = threading.Thread(target=other)
        thread.start()
        reading.wait()
        with full(store, f"{store}.wal", room=20_000):
            refused(library.compact, StoreUnavailable)
            sound(library, 1000)
        go.set()
        thread.join()
        assert found[-1] == 1000, found
        sound(library, 1000)


def while_reopening(store: str) -> None:
    """A store that failed and can't be opened again yet is tried anew by each call, until it can."""
    connect = duckdb.connect

    def fail(*_: object, **__: object) -> None:
        raise duckdb.IOException(f'IO Error: Cannot open file "{store}": Too many open files')

    with trigger_core.open(store) as library:
        library.record([*direct_trigger(), *many(1, 1000)])
        with full(store, f"{store}.wal", room=20_000):
            duckdb.connect = fail  # type: ignore[assignment]
            refused(library.compact, StoreUnavailable)
            for _ in range(2):
                refused(library.health, StoreUnavailable)
                refused(lambda: total(library), StoreUnavailable)
                refused(lambda: library.record(jobs(2000, 2000)), StoreUnavailable)
        duckdb.connect = connect
        sound(library, 1000)
        library.record(many(1001, 1010))
        sound(library, 1010)


def while_opening(store: str) -> None:
    """A store that can't be made for want of room leaves nothing that stops it from being made later."""
    for room in (0, 1000, 5000, 13_000, 40_000):
        with full(room=room):
            refused(lambda: trigger_core.open(store), StoreUnavailable)
    with trigger_core.open(store) as library:
        library.record([*direct_trigger(), *jobs(1, 1)])
        sound(library, 1)
    assert os.listdir(os.path.dirname(store)) == [os.path.basename(store)]


def while_copying(store: str) -> None:
    """A snapshot that finds no room fails, leaves nothing of itself, and harms nothing."""
    folder = os.path.dirname(store)
    copy = os.path.join(folder, "copy.duckdb")
    with trigger_core.open(store) as library:
        library.record([*direct_trigger(), *many(1, 3000)])
        library.compact()
        for room in (0, 5000, 100_000):
            with full(room=room):
                refused(lambda: library.snapshot(copy), StoreUnavailable, StoreError)
                assert not os.path.exists(copy)
                assert total(library) == 3000
        library.record(many(3001, 3010))
        sound(library, 3010)
        assert [name for name in os.listdir(folder) if "snapshot" in name] == []
        library.snapshot(copy)
    with trigger_core.open(copy) as library:
        sound(library, 3010)


CASES = (while_recording, while_checkpointing, while_reading, while_reopening, while_opening, while_copying)

if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    {case.__name__: case for case in CASES}[sys.argv[1]](sys.argv[2])
    print("done")
