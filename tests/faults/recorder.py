"""Records call after call into a store, and says so after each: what a test kills.

python -m tests.faults.recorder STORE CALLS
"""

import sys
from datetime import UTC, datetime, timedelta

import trigger_core
from tests.samples import EXECUTION, direct_trigger
from trigger_core.facts import Attempt, Event, Fact, Job, Outcome

START = datetime(2025, 11, 23, 10, tzinfo=UTC)
JOBS = 5


def call(number: int) -> list[Fact]:
    """The facts of a call: five jobs and all that happens to them, some of it corrected by the next call."""
    facts: list[Fact] = []
    for job_id in range(number * JOBS + 1, (number + 1) * JOBS + 1):
        at = START + timedelta(seconds=job_id)
        facts += [
            Job(execution_id=EXECUTION, job_id=job_id, contact=f"user_{job_id}"),
            Attempt(execution_id=EXECUTION, job_id=job_id, n=1, at=at),
            Outcome(
                execution_id=EXECUTION,
                job_id=job_id,
                outcome="filtered",
                at=at,
                code="late",
                reason="Too late",
            ),
            Event(event_id=f"e{job_id}", type="opened", at=at, execution_id=EXECUTION, job_id=job_id),
        ]
        if number:
            earlier = {"execution_id": EXECUTION, "job_id": job_id - JOBS}
            facts.append(Outcome(outcome="sent", at=at, segments=1, **earlier))  # type: ignore[arg-type]
    return facts


def main(store: str, calls: int) -> None:
    """Records ``calls`` calls, each acknowledged by its number on standard output."""
    with trigger_core.open(store) as library:
        library.record(direct_trigger())
        for number in range(calls):
            library.record(call(number))
            print(number, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
