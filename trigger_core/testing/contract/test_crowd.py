"""Processes that write and read one execution at the same time, on a store that lets them."""

import subprocess
import threading
from itertools import chain

import pytest

import trigger_core
from trigger_core import Library, answers, facts
from trigger_core._heads import Heads
from trigger_core._record import Batch
from trigger_core.facts import Fact
from trigger_core.testing.contract import crowd
from trigger_core.testing.contract.documents import assert_covers
from trigger_core.testing.contract.model import Document, Model
from trigger_core.testing.contract.samples import (
    CREATED,
    DIRECT,
    EXECUTION,
    direct_trigger,
    fact,
    jobs,
    outcome,
)
from trigger_core.testing.contract.stores import command

LATER = "2025-11-23T11:00:00.000Z"
CROWD = 4
READERS = 2


@pytest.fixture
def shared_url(store_url: str) -> str:
    """An empty store that processes may share."""
    with trigger_core.open(store_url) as library:
        if library.store.sees_every_write:
            pytest.skip("a store for one process")
    return store_url


@pytest.mark.parametrize(
    "writes", [pytest.param(40, id="short"), pytest.param(5_000, id="long", marks=pytest.mark.deep)]
)
def test_a_crowd_on_one_execution(shared_url: str, writes: int) -> None:
    """4 processes write all there is to say of the same jobs, against each other, while 2 read.

    No answer is torn or takes something back, none of the writers is refused, what is there at the end is what a model
    says that was told all of it, and where the database counts deadlocks there was none.
    """
    with trigger_core.open(shared_url) as library:
        dialect, before = library.store.dialect, deadlocks(library)
    told = subprocess.run(
        command("crowd", shared_url, dialect, str(writes), str(CROWD), str(READERS)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    seconds, answered = map(float, told.split())
    model = Model()
    for number in range(CROWD):
        model.record(list(chain.from_iterable(crowd.calls(number, writes))))
    with trigger_core.open(shared_url) as library:
        assert_covers(model.direct(DIRECT), answers.to_json(library.direct("acme", DIRECT)))
        assert_covers(model.jobs(EXECUTION), jobs_of(library))
        assert list(library.audit()) == []
        assert deadlocks(library) == before
    print(
        f"{CROWD} x {writes} writes: {CROWD * writes / seconds:.0f}/s; {answered:.0f} answers to {READERS} readers"
    )


KINDS = ("job", "job with its event", "attempt", "event", "sent", "failed", "filtered", "cancelled")


def said(kind: str, number: int) -> list[Fact]:
    """Something about a job, or a job that is new."""
    target = {"execution_id": EXECUTION, "job_id": number, "at": CREATED}
    if kind == "job":
        return jobs(number + 100, number + 100)
    if kind == "job with its event":
        named = {"execution_id": EXECUTION, "job_id": number + 200}
        return [
            *jobs(number + 200, number + 200),
            fact("event", **named, at=CREATED, event_id="e", type="opened"),
        ]
    if kind == "attempt":
        return [fact("attempt", **target, n=1)]
    if kind == "event":
        return [fact("event", **target, event_id="e", type="opened")]
    return [outcome(number, kind)]


@pytest.mark.parametrize("held", KINDS)
def test_writers_of_other_jobs_wait_for_nobody(shared_url: str, held: str) -> None:
    """While one writer has not committed what it says of a job, others write of other jobs of the same execution.

    The exception are two who both change who is filtered: for each reason a list of the first contacts is kept.
    """
    with trigger_core.open(shared_url) as one, trigger_core.open(shared_url) as other:
        one.record([*direct_trigger(), *jobs(1, 20)])
        with one.store.write() as session:
            Batch(session, Heads(), enumerate(said(held, 1)), None).apply()
            for number, kind in enumerate(KINDS, 2):
                if (held, kind) != ("filtered", "filtered"):
                    other.record(said(kind, number))
        found = other.direct("acme", DIRECT).jobs
        assert found is not None
        assert (found.sent, found.failed) == (1 + (held == "sent"), 1 + (held == "failed"))
        assert list(one.audit()) == []


@pytest.mark.parametrize("held", ["event", "sent", "failed", "filtered"])
def test_what_another_said_meanwhile_counts(shared_url: str, held: str) -> None:
    """Outcomes that wait for a writer of the same job are held against what that one said, its last word included."""
    with trigger_core.open(shared_url) as one, trigger_core.open(shared_url) as other:
        one.record([*direct_trigger(), *jobs(1, 4)])
        told = [*said(held, 2), *(outcome(number, "sent", LATER, segments=1) for number in range(1, 4))]
        with one.store.write() as session:
            Batch(session, Heads(), enumerate(said(held, 2)), None).apply()
            writer = threading.Thread(target=other.record, args=(told[1:],))
            writer.start()
            writer.join(0.3)
            assert writer.is_alive()
        writer.join()
        model = Model()
        model.record([facts.to_json(fact) for fact in (*direct_trigger(), *jobs(1, 4), *told)])
        assert_covers(model.direct(DIRECT), answers.to_json(other.direct("acme", DIRECT)))
        assert_covers(model.jobs(EXECUTION), jobs_of(other))
        assert list(one.audit()) == []


def deadlocks(library: Library) -> int:
    """How many there were in this database, where it counts them."""
    if library.store.dialect != "postgres":
        return 0
    counted = "select deadlocks from pg_stat_database where datname = current_database()"
    [(number,)] = library.store.table(counted, {})[1]
    return int(number)


def jobs_of(library: Library) -> list[Document]:
    """All jobs of the execution, page by page."""
    found: list[Document] = []
    cursor = None
    while True:
        page = library.jobs("acme", EXECUTION, limit=200, cursor=cursor)
        found += answers.to_json(page.jobs)
        cursor = page.pagination.next_cursor
        if cursor is None:
            return found
