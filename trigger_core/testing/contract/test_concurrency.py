"""Many threads on one store: nothing is lost, nothing is torn."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import trigger_core
from trigger_core.errors import FactsRefused
from trigger_core.facts import Attempt, Event, Fact, Job, Outcome
from trigger_core.testing.contract.samples import DIRECT, EXECUTION, direct_trigger

START = datetime(2025, 11, 23, 10, tzinfo=UTC)


def run_all(works: list[Callable[[], None]]) -> None:
    """Runs each in a thread of its own, and raises the first error."""
    errors: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def life(job_id: int) -> list[Fact]:
    """What happens to a job, some of it twice: an attempt, a failure that a later fact corrects, two events."""
    at = START + timedelta(seconds=job_id)
    target: dict[str, Any] = {"execution_id": EXECUTION, "job_id": job_id}
    return [
        Attempt(**target, n=1, at=at),
        Outcome(**target, outcome="filtered", at=at, code="opted_out", reason=f"Reason {job_id % 3}"),
        Outcome(**target, outcome="sent", at=at, provider="twilio", segments=2, cost=Decimal("0.01")),
        Event(**target, event_id=f"{job_id}:1", type="delivered", at=at),
        Event(**target, event_id=f"{job_id}:2", type="opened", at=at),
    ]


@pytest.mark.parametrize(
    "jobs", [pytest.param(6, id="short"), pytest.param(500, id="long", marks=pytest.mark.deep)]
)
def test_no_fact_is_lost_and_no_answer_is_torn(store_url: str, jobs: int) -> None:
    """8 threads write the same execution, each every fact of every job, while 4 read; every answer adds up."""
    with trigger_core.open(store_url) as library:
        library.record(direct_trigger(expected_jobs=jobs))
        done = threading.Event()

        def write(turn: int) -> None:
            for number in range(jobs):
                job_id = (number * 7 + turn * 11) % jobs + 1
                library.record([Job(execution_id=EXECUTION, job_id=job_id, contact=f"user_{job_id}")])
                for fact in life(job_id):
                    library.record([fact])

        def read() -> None:
            seen = 0
            while not done.is_set():
                answer = library.direct("acme", DIRECT)
                counts, execution = answer.jobs, answer.execution
                assert counts is not None
                assert execution is not None
                ended = counts.sent + counts.failed + counts.filtered + counts.cancelled
                assert counts.total == ended + counts.pending == jobs
                assert sum(reason.count for reason in counts.filter_reasons) == counts.filtered
                assert execution.total_segments == 2 * counts.sent
                assert counts.sent >= seen
                seen = counts.sent
                time.sleep(0.005)  # the readers shall not take the writers' time

        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        try:
            run_all([lambda turn=turn: write(turn) for turn in range(8)])  # type: ignore[misc]
        finally:
            done.set()
            for reader in readers:
                reader.join()
        answer = library.direct("acme", DIRECT)
        assert answer.jobs is not None
        assert (answer.jobs.sent, answer.jobs.pending, answer.jobs.filter_reasons) == (jobs, 0, ())
        assert answer.analytics == trigger_core.answers.SmsAnalytics(
            sent=jobs, delivered=jobs, failed=0, clicked=0, opened=jobs, bounced=0, complained=0
        )
        assert list(library.audit()) == []


def test_a_refused_call_fails_alone(store_url: str) -> None:
    """Of calls that are committed together only the one with a bad fact is refused."""
    with trigger_core.open(store_url) as library:
        library.record(direct_trigger())
        refused = []

        def write(turn: int) -> None:
            for number in range(5):
                job_id = turn * 5 + number + 1
                library.record([Job(execution_id=EXECUTION, job_id=job_id, contact=f"user_{job_id}")])
                try:
                    library.record([Attempt(execution_id=EXECUTION, job_id=job_id + 10_000, n=1, at=START)])
                except FactsRefused as error:
                    refused.append(error.errors[0].field)

        run_all([lambda turn=turn: write(turn) for turn in range(8)])  # type: ignore[misc]
        assert refused == ["job_id"] * 40
        assert library.jobs("acme", EXECUTION).pagination.total == 40
        assert list(library.audit()) == []
