"""What the core asks of every store: transactions that are whole, durable and of one state."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings

import trigger_core
from trigger_core import Library
from trigger_core.errors import FactsRefused, InvalidValue, NotFound, StoreClosed, TriggerCoreError
from trigger_core.store import Session
from trigger_core.testing.contract.documents import assert_covers
from trigger_core.testing.contract.model import Model
from trigger_core.testing.contract.samples import (
    CREATED,
    DIRECT,
    EXECUTION,
    WORKFLOW,
    direct_trigger,
    fact,
    jobs,
    outcome,
    workflow_trigger,
)
from trigger_core.testing.contract.stores import new_url
from trigger_core.testing.contract.strategies import TEXTS, UNKNOWN_ID, History, histories
from trigger_core.testing.contract.test_histories import answers_of, model_answers

TALLY = ("acme", DIRECT, None, "contacts", None, 1, 0, Decimal(0), None, None, 1, None)
"""A ledger row that follows from nothing."""


def in_a_thread(work: Callable[[], object]) -> Any:
    """What a function returns in a thread of its own."""
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join(30)
    assert found, "it failed, or it waits"
    return found[0]


def total(library: Library) -> int:
    """How many jobs of the sample are recorded."""
    return library.jobs("acme", EXECUTION).pagination.total or 0


def count(session: Session) -> int:
    """How many ledger rows the sample has, by what the version says."""
    [(version,)] = session.rows("version", account="acme", trigger_id=DIRECT)
    return int(version or 0)


def failing(library: Library, error: BaseException) -> None:
    """Writes a ledger row, and fails before it is committed."""
    with library.store.write() as session:
        session.append("tally", [TALLY])
        raise error


class Stop(BaseException):
    """As a signal handler might raise it."""


def test_what_was_recorded_is_there_when_opened_again(store_url: str) -> None:
    """Every answer is the same after the store was closed and opened."""
    story = [*direct_trigger(expected_jobs=5), *jobs(1, 3), outcome(1, cost="0.01"), outcome(2, "filtered")]
    with trigger_core.open(store_url) as library:
        library.record(story)
        before = [library.document("acme", DIRECT, question) for question in ("trigger", "direct")]
        listed = library.jobs("acme", EXECUTION)
    with trigger_core.open(store_url) as library:
        assert [library.document("acme", DIRECT, question) for question in ("trigger", "direct")] == before
        assert library.jobs("acme", EXECUTION) == listed
        library.record(story)
        assert library.document("acme", DIRECT, "direct") == before[1]
        assert list(library.audit()) == []


@pytest.mark.parametrize(
    "examples", [pytest.param(2, id="short"), pytest.param(200, id="long", marks=pytest.mark.deep)]
)
def test_random_histories_survive_being_closed(examples: int) -> None:
    """A history recorded with the store closed between the calls gives the model's answers."""

    def check(history: History) -> None:
        url, model = new_url(), Model()
        for call in history:
            model.record(call)
            with trigger_core.open(url) as library:
                library.record(call)
        with trigger_core.open(url) as library:
            found = answers_of(library, history)
            for name, expected in model_answers(model, history).items():
                assert_covers(expected, found[name])
            assert list(library.audit()) == []

    drawn = settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    drawn(given(histories())(check))()


@pytest.mark.parametrize("words", TEXTS)
def test_texts_come_back_as_they_were(library: Library, words: tuple[str, ...]) -> None:
    """Any storable text is stored: quotes, line ends, control characters, what lies beyond 16 bits."""
    library.record(direct_trigger())
    for number, word in enumerate(words, 1):
        library.record(
            [
                fact("job", execution_id=EXECUTION, job_id=number, contact=word, address=word),
                outcome(number, "filtered", reason=word, code=word),
            ]
        )
    found = library.jobs("acme", EXECUTION).jobs
    assert [(job.contact_external_id, job.address, job.filter_reason, job.filter_code) for job in found] == [
        (word, word, word, word) for word in words
    ]
    counts = library.direct("acme", DIRECT).jobs
    assert counts is not None
    assert [reason.reason for reason in counts.filter_reasons] == sorted(words)
    assert library.jobs("acme", EXECUTION, contact=words[0]).jobs == found[:1]


def test_values_keep_their_types(library: Library) -> None:
    """Ids, times, amounts and numbers are read as what they are, at their bounds too."""
    ends = ["1970-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"]
    library.record(
        [
            *direct_trigger(expected_jobs=2**31 - 1),
            *(fact("job", execution_id=EXECUTION, job_id=number, contact="c") for number in (1, 2**31 - 1)),
            outcome(1, at=ends[0], cost="999999999.999999", segments=10_000),
            outcome(2**31 - 1, at=ends[1], cost="0.000001", segments=0),
        ]
    )
    first, last = library.jobs("acme", EXECUTION).jobs
    assert (first.cost, last.cost) == (Decimal("999999999.999999"), Decimal("0.000001"))
    assert [job.sent_at and job.sent_at.isoformat() for job in (first, last)] == [
        "1970-01-01T00:00:00+00:00",
        "9999-12-31T23:59:59.999000+00:00",
    ]
    with library.store.read() as session:
        [(account, trigger_id, _, _, _, _, _, created_at, *_)] = session.rows(
            "trigger_heads", trigger_ids=[DIRECT]
        )
    assert (account, UUID(str(trigger_id)), created_at) == (
        "acme",
        UUID(DIRECT),
        datetime.fromisoformat(CREATED).replace(tzinfo=None),
    )


def test_a_read_sees_one_state(library: Library) -> None:
    """A reader sees nothing of what is written after it began, however often it asks; the next one sees it."""
    library.record([*direct_trigger(), *jobs(1, 1)])
    with library.store.read() as session:
        before = count(session)
        in_a_thread(lambda: library.record([*jobs(2, 2), outcome(1)]))
        assert count(session) == before
        assert in_a_thread(lambda: total(library)) == 2
    with library.store.read() as session:
        assert count(session) > before


def test_a_thread_may_read_while_it_reads(library: Library) -> None:
    """A read inside another one has a state of its own, and leaves the outer one's alone."""
    library.record(direct_trigger())
    with library.store.read() as outer:
        before = count(outer)
        library.record(jobs(1, 1))
        assert total(library) == 1
        with library.store.read() as inner:
            assert count(inner) > before
        assert count(outer) == before


def test_a_write_is_seen_when_it_is_done(library: Library) -> None:
    """Nothing of a transaction is seen by others before it is committed, and all of it after."""

    def seen() -> int:
        with library.store.read() as reader:
            return count(reader)

    library.record(direct_trigger())
    before = seen()
    with library.store.write() as session:
        session.append("tally", [TALLY])
        assert seen() == in_a_thread(seen) == before
    assert seen() == before + 1


@pytest.mark.parametrize("error", [ValueError("x"), NotFound(), KeyboardInterrupt(), Stop(), GeneratorExit()])
def test_an_error_undoes_the_whole_write(library: Library, error: BaseException) -> None:
    """Whatever ends a write transaction, nothing of it stays, the error comes through, and the next write works."""
    library.record([*direct_trigger(), *jobs(1, 1)])
    for _ in range(2):
        with pytest.raises(type(error)):
            failing(library, error)
        assert list(library.audit()) == []
    library.record(jobs(2, 2))
    assert total(library) == 2
    assert list(library.audit()) == []


def test_what_no_column_takes_is_refused(library: Library) -> None:
    """A row that doesn't fit is refused, not made to fit, by itself and among others; the next write works."""
    row = (1, "acme", DIRECT, EXECUTION, 1, "user_1", None, False)

    def append(rows: list[tuple[object, ...]]) -> None:
        with library.store.write() as session:
            session.append("staged_jobs", rows)
            session.clear("staged_jobs")

    for wrong in (
        (2**31, *row[1:]),
        (-(2**40), *row[1:]),
        ("one", *row[1:]),
        (*row[:3], "none", *row[4:]),
    ):
        for before in (0, 99):
            with pytest.raises(TriggerCoreError):
                append([row] * before + [wrong])
            append([row] * (before + 1))


def test_a_statement_that_fails_undoes_the_whole_write(library: Library) -> None:
    """A write in which a statement failed is not committed, even if its owner goes on."""

    def broken() -> None:
        with library.store.write() as session:
            session.append("tally", [TALLY])
            with pytest.raises(TriggerCoreError):
                library.store.table("select * from no_such_table", {})
            session.append("tally", [("too", "short")])

    library.record(direct_trigger())
    for _ in range(2):
        with pytest.raises(TriggerCoreError):
            broken()
        assert library.trigger("acme", DIRECT).summary.total_contacts == 0
        assert list(library.audit()) == []
    library.record(jobs(1, 1))
    assert total(library) == 1


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), Stop()])
def test_a_read_that_fails_is_over(library: Library, error: BaseException) -> None:
    """After an error in a read the same thread reads the newest state."""
    library.record(direct_trigger())

    def fail() -> None:
        with library.store.read() as session:
            session.rows("ledger", account="acme", trigger_id=DIRECT)
            raise error

    for number in (1, 2):
        with pytest.raises(type(error)):
            fail()
        with pytest.raises(TriggerCoreError):
            library.store.table("select no_such_column from jobs", {})
        with pytest.raises(NotFound):
            library.trigger("acme", UNKNOWN_ID)
        in_a_thread(lambda number=number: library.record(jobs(number, number)))  # type: ignore[misc]
        assert total(library) == number


def test_an_unfinished_iteration_hides_nothing(library: Library) -> None:
    """While somebody goes through an audit or an export, the same thread reads and writes as ever."""
    library.record([*direct_trigger(), *jobs(1, 2), workflow_trigger()])
    with library.store.write() as session:
        session.append("tally", [TALLY])
    audit = library.audit()
    assert "contacts" in next(audit).subject
    export = library.export("acme", DIRECT)
    assert next(export).kind == "trigger"
    library.record([*jobs(3, 3), outcome(3)])
    assert total(library) == 3
    assert library.trigger("acme", DIRECT).summary.sent == 1
    assert [one.kind for one in export].count("job") in (2, 3)
    assert list(audit) == []
    assert total(library) == 3


def test_a_refused_call_leaves_no_staged_fact(library: Library) -> None:
    """What was laid out for a call that is refused is gone when the next is applied."""
    library.record([*direct_trigger(), *jobs(1, 1)])
    for _ in range(2):
        with pytest.raises(FactsRefused):
            library.record([*jobs(1, 9), outcome(1), outcome(10)])
        assert (total(library), library.trigger("acme", DIRECT).summary.sent) == (1, 0)
    library.record(jobs(2, 2))
    assert (total(library), library.trigger("acme", DIRECT).summary.sent) == (2, 0)
    assert list(library.audit()) == []


def test_a_workspace_keeps_nothing(library: Library) -> None:
    """Staging tables are their owner's: two workspaces and a writer have each their own, emptied in the end."""
    library.record([*direct_trigger(), *jobs(1, 1)])
    with library.store.workspace() as one, library.store.workspace() as other:
        one.append("staged_jobs", [(7, "acme", DIRECT, EXECUTION, 1, "another contact", None, False)])
        assert [line for line, _ in one.rows("job_conflicts")] == [7]
        assert other.rows("job_conflicts") == []
        library.record(jobs(2, 2))
        other.clear("staged_jobs")
        assert len(one.rows("job_conflicts")) > 0
        one.clear("staged_jobs")
        assert one.rows("job_conflicts") == []
        one.append("staged_jobs", [(8, "acme", DIRECT, EXECUTION, 9, "user_9", None, False)])
    library.record(jobs(3, 3))
    assert total(library) == 3
    assert list(library.audit()) == []


def test_answers_come_to_every_thread(library: Library) -> None:
    """Threads that come and go read alike, and so does one that was there before."""
    library.record([*direct_trigger(), *jobs(1, 5)])
    expected = library.jobs("acme", EXECUTION)
    for _ in range(20):
        assert in_a_thread(lambda: library.jobs("acme", EXECUTION)) == expected
    assert library.jobs("acme", EXECUTION) == expected


def test_a_healthy_store_says_nothing(library: Library) -> None:
    """The question for health is answered by returning, in any thread."""
    library.health()
    assert in_a_thread(lambda: CALLS["health"](library) or "healthy") == "healthy"


@pytest.mark.parametrize("account", ["", "x" * 201, "a\0b", "\ud800"])
def test_what_cannot_be_an_account_has_nothing(library: Library, account: str) -> None:
    """Who asks as an account that can't be one finds nothing, and is told so where a list or a record is asked for."""
    library.record([*direct_trigger(), *jobs(1, 1)])
    for find in (library.trigger, library.direct, library.workflow, library.cancel, library.revoke_key):
        with pytest.raises(NotFound):
            find(account, DIRECT)
    for answer in (
        lambda: library.document(account, DIRECT, "trigger"),
        lambda: library.jobs(account, EXECUTION),
        lambda: library.job(account, EXECUTION, 1),
        lambda: library.export(account, DIRECT),
    ):
        with pytest.raises(NotFound):
            answer()
    for told in (
        lambda: library.triggers(account),
        lambda: library.keys(account),
        lambda: library.record([], account=account),
    ):
        with pytest.raises(InvalidValue, match="account"):
            told()
    for unstorable in ("a\0b", "\ud800"):
        with pytest.raises(InvalidValue, match="trigger_id: must have no NUL"):
            library.query("version", {"account": "acme", "trigger_id": unstorable})


CALLS: dict[str, Callable[[Library], object]] = {
    "health": lambda library: library.health(),
    "trigger": lambda library: library.trigger("acme", DIRECT),
    "direct": lambda library: library.direct("acme", DIRECT),
    "workflow": lambda library: library.workflow("acme", WORKFLOW),
    "document": lambda library: library.document("acme", DIRECT, "direct"),
    "triggers": lambda library: library.triggers("acme"),
    "jobs": lambda library: library.jobs("acme", EXECUTION),
    "job": lambda library: library.job("acme", EXECUTION, 1),
    "record": lambda library: library.record(jobs(2, 2)),
    "export": lambda library: list(library.export("acme", DIRECT)),
    "audit": lambda library: list(library.audit()),
    "compact": lambda library: library.compact(),
    "query": lambda library: library.query("version", {"account": "acme", "trigger_id": DIRECT}),
    "keys": lambda library: library.keys("acme"),
    "create_key": lambda library: library.create_key("acme", ["read"]),
}


def test_a_closed_store_says_so(store_url: str) -> None:
    """Every call of a closed library raises StoreClosed, in a thread that used it and in one that didn't."""
    with trigger_core.open(store_url) as library:
        library.record([*direct_trigger(), *jobs(1, 1), workflow_trigger()])
        for call in CALLS.values():
            call(library)
    library.close()

    def refused() -> list[str]:
        found = []
        for name, call in CALLS.items():
            try:
                call(library)
            except StoreClosed:
                found.append(name)
        return found

    assert refused() == in_a_thread(refused) == list(CALLS)


def test_closing_waits_for_nobody_and_breaks_nobody(store_url: str) -> None:
    """A store closed under readers and writers gives them answers or StoreClosed, and keeps what it acknowledged."""
    library = trigger_core.open(store_url)
    library.record(direct_trigger())
    acknowledged: list[int] = []
    ended: list[object] = []

    def use(work: Callable[[], object]) -> None:
        try:
            while True:
                work()
        except StoreClosed:
            ended.append(None)
        except BaseException as error:
            ended.append(error)

    numbers: Iterator[int] = iter(range(1, 10**6))

    def write() -> None:
        number = next(numbers)
        library.record(jobs(number, number))
        acknowledged.append(number)

    works: list[Callable[[], object]] = [write, write, lambda: total(library), lambda: list(library.audit())]
    threads = [threading.Thread(target=use, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 10:
        threads[0].join(0.01)
    library.close()
    for thread in threads:
        thread.join(30)
    assert ended == [None] * len(works)
    with trigger_core.open(store_url) as library:
        found = {job.job_id for job in library.jobs("acme", EXECUTION, limit=200).jobs}
        assert found >= set(acknowledged[:200])
        assert len(acknowledged) <= total(library) <= len(acknowledged) + 2
        assert list(library.audit()) == []


def test_compacting_disturbs_nobody(library: Library) -> None:
    """While others read and write, compacting fails for nobody and changes no answer."""
    library.record([*direct_trigger(), *jobs(1, 20)])
    done = threading.Event()
    errors: list[BaseException] = []

    def use(work: Callable[[], object]) -> None:
        try:
            while not done.is_set():
                work()
        except BaseException as error:
            errors.append(error)

    works: list[Callable[[], object]] = [lambda: total(library), lambda: list(library.export("acme", DIRECT))]
    threads = [threading.Thread(target=use, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        for number in range(1, 21):
            library.record([outcome(number, cost="0.01")])
            if number % 7 == 0:
                library.compact()
    finally:
        done.set()
        for thread in threads:
            thread.join(30)
    assert errors == []
    execution = library.direct("acme", DIRECT).execution
    assert execution is not None
    assert (execution.sent_count, execution.estimated_cost) == (20, Decimal("0.20"))
    assert list(library.audit()) == []


def test_a_snapshot_is_a_store(store_url: str, tmp_path: Path) -> None:
    """A snapshot answers what the store answered, and is written on by itself."""
    with trigger_core.open(store_url) as library:
        library.record(
            [
                *direct_trigger(),
                *jobs(1, 3),
                outcome(1, "filtered"),
                fact("cancel", trigger_id=DIRECT, at=CREATED),
            ]
        )
        library.create_key("acme", ["read"])
        library.snapshot(path := tmp_path / "copy")
        library.record(jobs(4, 4))
        with trigger_core.open(path) as copy:
            assert copy.jobs("acme", EXECUTION).pagination.total == 3
            assert copy.keys("acme") == library.keys("acme")
            copy.record(jobs(4, 4))
            assert copy.document("acme", DIRECT, "direct") == library.document("acme", DIRECT, "direct")
            assert list(copy.audit()) == []
