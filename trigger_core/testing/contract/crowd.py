"""Writers and readers of one execution, each a process of its own.

``command("crowd", STORE, DIALECT, WRITES, WRITERS, READERS)`` forks them, and says how many seconds the writers took,
and how many answers the readers had: they ask until all is written, and hold each answer against itself and the one
before. One of them compacts the store now and then. It fails if one of them does.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from select import select
from typing import Any

import trigger_core
import trigger_sql
from trigger_core.answers import DirectDetails
from trigger_core.errors import NotFound
from trigger_core.testing.contract.samples import CREATED, DIRECT, EXECUTION
from trigger_core.testing.contract.stores import arguments

Fact = dict[str, Any]

SEGMENTS = 2
WINDOW = 6
"""So far apart the jobs may be that the writers are at."""

VERSIONS = 2
"""So many facts compete for the same."""

TRIGGER: Fact = {
    "kind": "trigger",
    "account": "acme",
    "trigger_id": DIRECT,
    "flow_type": "direct_channel",
    "trigger_type": "sms",
    "trigger_source": "direct_api",
    "campaign_name": "A crowd",
    "currency": "USD",
    "created_at": CREATED,
}
PLACE: Fact = {
    "kind": "execution",
    "account": "acme",
    "trigger_id": DIRECT,
    "execution_id": EXECUTION,
    "channel": "sms",
}


def calls(number: int, writes: int) -> Iterator[list[Fact]]:
    """What one writer records, call by call, of some jobs that all writers go through at about the same pace.

    What it says of a job is taken from what can be said of it at all, so that others say the same, or what competes.
    Every other writer names jobs in falling order. The last call is a cancel.
    """
    dice = Random(number)
    jobs = writes // 3
    known: set[int] = set()
    yield [TRIGGER, PLACE]
    for turn in range(1, writes - 1):
        near = jobs * turn // writes
        chosen = sorted(
            {min(max(near + dice.randrange(-WINDOW, WINDOW), 1), jobs) for _ in range(dice.randrange(1, 4))},
            reverse=number % 2 == 1,
        )
        call: list[Fact] = []
        only_events = dice.random() < 0.3
        for job_id in chosen:
            if only_events:
                call.append(_event(dice, job_id))
                continue
            if job_id not in known or dice.random() < 0.1:
                known.add(job_id)
                call.append(_job(job_id))
            call += [_told(dice, job_id) for _ in range(dice.randrange(3))]
        if dice.random() < 0.05:
            call.append({"kind": "started", "execution_id": EXECUTION, "at": _time(turn, number)})
            call.append({**PLACE, "expected_jobs": dice.randrange(jobs)})
        if call:
            yield call
    yield [{"kind": "cancel", "trigger_id": DIRECT, "at": _time(0, number)}]


def _time(job_id: int, version: int) -> str:
    return f"2025-11-23T10:{job_id % 60:02}:{version:02}.000Z"


def _job(job_id: int) -> Fact:
    return {
        "kind": "job",
        "execution_id": EXECUTION,
        "job_id": job_id,
        "contact": f"user_{job_id}",
        "address": f"+1415{job_id:07}",
    }


def _told(dice: Random, job_id: int) -> Fact:
    """One of the things that may be said of a job."""
    version = dice.randrange(VERSIONS)
    target = {"execution_id": EXECUTION, "job_id": job_id, "at": _time(job_id, version)}
    kind = dice.choice(("attempt", "sent", "failed", "filtered", "cancelled", "event"))
    if kind == "event":
        return _event(dice, job_id)
    if kind == "attempt":
        return {"kind": "attempt", **target, "n": dice.randrange(1, 4), "provider": "twilio"}
    ends: dict[str, Fact] = {
        "sent": {
            "provider": "twilio",
            "provider_message_id": f"m{job_id}",
            "segments": SEGMENTS,
            "cost": "0.0100",
        },
        "failed": {"error": {"code": f"{version}", "message": "unreachable"}},
        "filtered": {"code": "opted_out", "reason": f"reason {job_id % 3 + version}"},
        "cancelled": {},
    }
    return {"kind": "outcome", **target, "outcome": kind, **ends[kind]}


def _event(dice: Random, job_id: int) -> Fact:
    """Something that a provider says of a job, by its own name for the message or by ours, perhaps before its job."""
    kind = dice.choice(("delivered", "opened", "clicked", "bounced", "complained"))
    version = dice.randrange(VERSIONS)
    fact = {
        "kind": "event",
        "event_id": f"{job_id}:{kind}:{version}",
        "type": kind,
        "at": _time(job_id, version),
    }
    if dice.random() < 0.5:
        return fact | {"account": "acme", "provider": "twilio", "provider_message_id": f"m{job_id}"}
    return fact | {"execution_id": EXECUTION, "job_id": job_id}


def write(store: str, number: int, writes: int) -> None:
    """Records one writer's calls."""
    with trigger_core.open(store) as library:
        for call in calls(number, writes):
            library.record(call)


def read(store: str, ends: int, compacts: bool) -> int:
    """Asks until a file descriptor ends; how often."""
    number, floor = 0, Floor()
    with trigger_core.open(store) as library:
        while not select([ends], [], [], 0.01)[0]:  # the readers shall not take the writers' time
            with suppress(NotFound):
                floor.rise(library.direct("acme", DIRECT))
                floor.rise_to("jobs", library.jobs("acme", EXECUTION, limit=1).pagination.total)
                floor.rise_to(
                    "sent", library.jobs("acme", EXECUTION, status="sent", limit=1).pagination.total
                )
                number += 1
            if compacts and number % 50 == 1:
                library.compact()
    return number


class Floor:
    """What was seen already, below which no later answer may be."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._started_at: Any = None

    def rise_to(self, name: str, number: int | None) -> None:
        """Fails if the number fell."""
        number = number or 0
        assert number >= self._seen.get(name, 0), f"{name} fell from {self._seen[name]} to {number}"
        self._seen[name] = number

    def rise(self, answer: DirectDetails) -> None:
        """Fails if the answer is torn, or takes something back."""
        if answer.execution is None:
            assert not self._seen, "the execution is gone"
            return
        counts, execution = answer.jobs, answer.execution
        assert counts is not None
        ended = counts.sent + counts.failed + counts.filtered + counts.cancelled
        assert counts.total == ended + counts.pending, answer
        assert sum(reason.count for reason in counts.filter_reasons) == counts.filtered, answer
        for reason in counts.filter_reasons:
            assert len(reason.contacts) == min(reason.count, 10), answer
            assert reason.contacts_truncated == (reason.count > 10), answer
        assert (execution.sent_count, execution.failed_count) == (counts.sent, counts.failed), answer
        assert execution.total_segments == SEGMENTS * counts.sent, answer
        assert execution.estimated_cost * 100 == counts.sent, answer
        reached = trigger_core.answers.to_json(answer.analytics)
        assert reached["sent"] == counts.sent, answer
        assert max(reached["opened"], reached["clicked"], reached["complained"]) <= reached["delivered"], (
            answer
        )
        for name, number in {"total": counts.total, **reached}.items():
            self.rise_to(name, number)
        if self._started_at is not None:
            assert execution.started_at is not None, answer
            assert execution.started_at <= self._started_at, answer
        if counts.sent:  # before, all may have ended without a start
            self._started_at = execution.started_at


def forked(work: Callable[[], object]) -> int:
    """Has a process do some work; its number."""
    number = os.fork()
    if number:
        return number
    failed = True
    try:
        work()
        failed = False
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(failed)


def main(store: str, dialect: trigger_sql.Dialect, writes: str, writers: str, readers: str) -> None:
    """Lets a crowd loose on a store."""
    for name in trigger_sql.names():  # is read, and translated, once for all
        trigger_sql.query(name, dialect)
    ends, lasts = os.pipe()
    told, tells = os.pipe()

    def reading(compacts: bool) -> None:
        os.close(lasts)
        os.write(tells, f"{read(store, ends, compacts)}\n".encode())

    asking = [forked(lambda place=place: reading(place == 0)) for place in range(int(readers))]  # type: ignore[misc]
    began = time.monotonic()
    writing = [
        forked(lambda number=number: write(store, number, int(writes)))  # type: ignore[misc]
        for number in range(int(writers))
    ]
    failed = [os.waitpid(number, 0)[1] for number in writing]
    print(time.monotonic() - began)
    os.close(lasts)
    failed += [os.waitpid(number, 0)[1] for number in asking]
    os.close(tells)
    with open(told) as answers:
        print(sum(map(int, answers)))
    assert not any(failed), f"of these processes some failed: {failed}"


if __name__ == "__main__":
    main(*arguments())  # type: ignore[arg-type]
