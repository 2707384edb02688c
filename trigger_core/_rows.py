"""Facts as the rows that the store's tables take."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeVar

from trigger_core._heads import ExecutionHead
from trigger_core.facts import OUTCOMES, Attempt, Outcome, Trigger, canonical

Timed = TypeVar("Timed", Attempt, Outcome)

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


def outcome_row(head: ExecutionHead, lines: list[tuple[int, Outcome]]) -> tuple[object, ...]:
    """One job's outcomes as one row: the best of them, the first time of each, the last of any."""
    first: list[datetime | None] = [None, None, None, None]
    if len(lines) == 1:
        line, best = lines[0]
        last = first[_RANK[best.outcome] - 1] = naive(best.at)
    else:
        by_outcome: dict[str, tuple[int, Outcome]] = {}
        for entry in lines:
            by_outcome[entry[1].outcome] = earlier(by_outcome.get(entry[1].outcome), entry)
        line, best = min(by_outcome.values(), key=lambda entry: _RANK[entry[1].outcome])
        for _, fact in by_outcome.values():
            first[_RANK[fact.outcome] - 1] = naive(fact.at)
        last = naive(max(fact.at for _, fact in lines))
    error = best.error
    return (
        line,
        head.account,
        head.trigger_id,
        best.execution_id,
        best.job_id,
        best.outcome,
        _RANK[best.outcome],
        naive(best.at),
        *first,
        last,
        error.code if error else best.code,
        error.message if error else best.reason,
        best.provider,
        best.provider_message_id,
        best.segments,
        best.cost,
    )


def earlier(known: tuple[int, Timed] | None, entry: tuple[int, Timed]) -> tuple[int, Timed]:
    """Of two facts that exclude each other the one that wins: the earlier, else the smaller text."""
    if known is None or entry[1].at < known[1].at:
        return entry
    if entry[1].at == known[1].at and entry[1] != known[1] and canonical(entry[1]) < canonical(known[1]):
        return entry
    return known


def naive(moment: datetime) -> datetime:
    """A time as the store has it: UTC, without saying so."""
    return moment.replace(tzinfo=None)
