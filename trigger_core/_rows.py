"""Facts as the rows that the store's tables take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeVar

from trigger_core._heads import ExecutionHead
from trigger_core.facts import OUTCOMES, Attempt, Outcome, Trigger, canonical

Timed = TypeVar("Timed", Attempt, Outcome)

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  the store's times have no zone
_EPOCH_UTC: Final = _EPOCH.replace(tzinfo=UTC)

_RANK: Final = {outcome: rank for rank, outcome in enumerate(OUTCOMES, 1)}


def trigger_row(fact: Trigger) -> tuple[object, ...]:
    """A row of ``triggers``."""
    run = fact.workflow
    return (
        fact.account,
        fact.trigger_id,
        fact.flow_type,
        fact.trigger_type,
        fact.trigger_source,
        fact.campaign_name,
        fact.currency,
        naive(fact.created_at),
        fact.scheduled_at and naive(fact.scheduled_at),
        *((run.id, run.name, run.execution_id, run.type, run.template_group_id) if run else (None,) * 5),
        None,
    )


def step_rows(fact: Trigger) -> list[tuple[object, ...]]:
    """The rows of ``steps`` that a trigger has."""
    run = fact.workflow
    if run is None:
        return []
    if run.steps is not None:
        return [
            (
                fact.account,
                fact.trigger_id,
                step.step_order,
                step.step_id,
                step.step_name,
                step.channel,
                step.delay_minutes,
            )
            for step in run.steps
        ]
    return [
        (fact.account, fact.trigger_id, order, None, None, channel, None)
        for order, channel in enumerate(run.channels or (), 1)
    ]


def attempt_row(head: ExecutionHead, line: int, fact: Attempt) -> tuple[object, ...]:
    """A row of ``staged_attempts``."""
    error = fact.error
    return (
        line,
        head.account,
        head.trigger_id,
        fact.execution_id,
        fact.job_id,
        fact.n,
        naive(fact.at),
        fact.provider,
        error and error.code,
        error and error.message,
        fact.next_attempt_at and naive(fact.next_attempt_at),
    )


def tally_row(
    account: str,
    trigger_id: str,
    execution_id: str | None,
    measure: str,
    detail: str,
    first_at: datetime | None = None,
) -> tuple[object, ...]:
    """A row of ``tally`` that counts one."""
    return (account, trigger_id, execution_id, measure, detail, 1, 0, 0, first_at, None, 1, None)


def outcome_row(place: int, line: int, fact: Outcome, last_at: datetime | None = None) -> tuple[object, ...]:
    """A row of ``staged_outcomes``."""
    error, cost = fact.error, fact.cost
    return (
        line,
        place,
        fact.job_id,
        fact.outcome,
        naive(fact.at),
        last_at,
        error.code if error else fact.code,
        error.message if error else fact.reason,
        fact.provider,
        fact.provider_message_id,
        fact.segments,
        None if cost is None else _millionths(cost),
    )


def outcome_rows(
    places: Mapping[str, int], lines: Iterable[tuple[int, Outcome]]
) -> list[list[tuple[object, ...]]]:
    """Rows of ``staged_outcomes``, laid out one list after the other: in each a job has one outcome.

    The first has the best of each job, and the last time of any.
    """
    by_job: dict[tuple[str, int], dict[str, tuple[int, Outcome]]] = {}
    last: dict[tuple[str, int], datetime] = {}
    for line, fact in lines:
        key = (fact.execution_id, fact.job_id)
        by_outcome = by_job.setdefault(key, {})
        by_outcome[fact.outcome] = earlier(by_outcome.get(fact.outcome), (line, fact))
        last[key] = max(fact.at, last.get(key, fact.at))
    rounds: list[list[tuple[object, ...]]] = [[] for _ in OUTCOMES]
    for key, by_outcome in by_job.items():
        found = sorted(by_outcome.values(), key=lambda entry: _RANK[entry[1].outcome])
        for rows, (line, fact) in zip(rounds, found, strict=False):
            rows.append(outcome_row(places[key[0]], line, fact, naive(last[key])))
    return [rows for rows in rounds if rows]


def message_row(head: ExecutionHead, line: int, fact: Outcome) -> tuple[object, ...]:
    """A row of ``named_messages``."""
    message = (fact.provider, fact.provider_message_id)
    return (line, head.account, *message, head.trigger_id, fact.execution_id, fact.job_id)


def earlier(known: tuple[int, Timed] | None, entry: tuple[int, Timed]) -> tuple[int, Timed]:
    """Of two facts that exclude each other the one that wins: the earlier, else the smaller text."""
    if known is None or entry[1].at < known[1].at:
        return entry
    if entry[1].at == known[1].at and entry[1] != known[1] and canonical(entry[1]) < canonical(known[1]):
        return entry
    return known


def naive(moment: datetime) -> datetime:
    """A time as the store has it: UTC, without saying so."""
    return _EPOCH + (moment - _EPOCH_UTC)  # to replace its zone takes nine times as long


@lru_cache(1000)
def _millionths(cost: Decimal) -> int:
    """A cost as a whole number; there are few prices, and where each is another this takes twice as long."""
    return int(cost.scaleb(6))
