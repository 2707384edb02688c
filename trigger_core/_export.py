"""A trigger's recorded state as facts: what a journal that is written out consists of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from attrs import evolve, frozen

from trigger_core._heads import Heads
from trigger_core.errors import NotFound
from trigger_core.facts import (
    OUTCOMES,
    Attempt,
    Cancel,
    Error,
    Event,
    Execution,
    Fact,
    Job,
    Outcome,
    Started,
    Trigger,
)
from trigger_core.store import Row, Session, Store

_PAGE: Final = 5000
_OUTRANKED: Final = "outranked"
"""What is said in place of the code, message or reason of an outcome that another outranks: they are not kept."""

_HIGHEST: Final = "\U0010ffff"


def export(store: Store, heads: Heads, account: str, trigger_id: str) -> Iterator[Fact]:
    """Facts that give the same state of a trigger, from one consistent state of the store.

    Outcomes that are not shown have ``outranked`` for a code, message or reason. A message id that came with one of
    them stands in an outcome that loses again. Events get an ``event_id`` of their job and type.

    Raises:
        NotFound: the account has no such trigger.
    """
    with store.read() as session:
        head = heads.trigger(session, trigger_id)
    if head is None or head.account != account:
        raise NotFound
    return _facts(store, head)


def _facts(store: Store, head: Trigger) -> Iterator[Fact]:
    with store.read() as session:
        names = {"account": head.account, "trigger_id": head.trigger_id}
        executions = session.rows("export_executions", **names)
        yield head
        for key, channel, step_id, expected_jobs, started_at in executions:
            execution_id = str(key)
            yield Execution(
                **names,
                execution_id=execution_id,
                channel=channel,
                step_id=step_id,
                expected_jobs=expected_jobs,
            )
            if started_at is not None:
                yield Started(execution_id=execution_id, at=_utc(started_at))
        for key, *_ in executions:
            yield from _execution_facts(session, {**names, "execution_id": str(key)})
        for (cancelled_at,) in session.rows("export_cancel", **names):
            if cancelled_at is not None:
                yield Cancel(trigger_id=head.trigger_id, at=_utc(cancelled_at))


def _execution_facts(session: Session, names: Mapping[str, str]) -> Iterator[Fact]:
    execution_id = names["execution_id"]
    after = 0
    while rows := session.rows("export_jobs", **names, after=after, limit=_PAGE):
        page = {**names, "first": rows[0][0], "last": rows[-1][0]}
        after = rows[-1][0]
        for job_id, contact, address, *_ in rows:
            yield Job(execution_id=execution_id, job_id=job_id, contact=contact, address=address)
        for row in session.rows("export_attempts", **page):
            yield attempt(execution_id, row)
        messages: dict[int, list[Message]] = {}
        for job_id, provider, provider_message_id in session.rows("export_messages", **page):
            messages.setdefault(job_id, []).append(Message(provider, provider_message_id))
        for job_id, _, _, *state in rows:
            if state[4] is not None:
                yield from outcomes(State(execution_id, job_id, *state), messages.get(job_id, []))
        for job_id, kind, occurred_at in session.rows("export_events", **page):
            yield Event(
                event_id=f"{execution_id}:{job_id}:{kind}",
                type=kind,
                at=_utc(occurred_at),
                execution_id=execution_id,
                job_id=job_id,
            )


def attempt(execution_id: str, row: Row) -> Attempt:
    """An attempt, from a row of ``export_attempts``."""
    job_id, n, occurred_at, provider, code, message, next_attempt_at = row
    return Attempt(
        execution_id=execution_id,
        job_id=job_id,
        n=n,
        at=_utc(occurred_at),
        provider=provider,
        error=None if code is None else Error(code=code, message=message),
        next_attempt_at=next_attempt_at and _utc(next_attempt_at),
    )


class Message(NamedTuple):
    """A provider's name for a message."""

    provider: str
    provider_message_id: str


@frozen
class State:
    """What is recorded of a job that has an outcome."""

    execution_id: str
    job_id: int
    sent_at: datetime | None
    failed_at: datetime | None
    filtered_at: datetime | None
    cancelled_at: datetime | None
    last_outcome_at: datetime
    code: str | None
    message: str | None
    provider: str | None
    provider_message_id: str | None
    segments: int | None
    cost: Any


def outcomes(state: State, messages: list[Message]) -> Iterator[Outcome]:
    """The fact a job shows, and others that lose: for the times of its other outcomes, for its other messages."""
    times = [(kind, getattr(state, f"{kind}_at")) for kind in OUTCOMES]
    (kind, at), *others = known = [(kind, _utc(at)) for kind, at in times if at is not None]
    last = _utc(state.last_outcome_at)
    shown = Outcome(
        execution_id=state.execution_id,
        job_id=state.job_id,
        outcome=kind,
        at=at,
        provider=state.provider,
        provider_message_id=state.provider_message_id,
        segments=state.segments,
        cost=state.cost,
        **_said(kind, state.code, state.message),
    )
    yield shown
    losing = [_losing(state, other, moment) for other, moment in others]
    yield from losing
    if last not in (moment for _, moment in known):
        yield evolve(shown, at=last)
    carrier = losing[-1] if losing else _losing(state, kind, last) if last != at else _smaller(state, shown)
    for message in messages:
        yield evolve(carrier, provider=message.provider, provider_message_id=message.provider_message_id)


def _losing(state: State, kind: str, at: datetime) -> Outcome:
    return Outcome(
        execution_id=state.execution_id,
        job_id=state.job_id,
        outcome=kind,
        at=at,
        **_said(kind, _OUTRANKED, _OUTRANKED),
    )


def _smaller(state: State, shown: Outcome) -> Outcome:
    """An outcome of the same kind and time that loses by its text, with whichever message id lost before.

    The texts are decided by code, cost, error, provider and message id, in this order; one without a cost loses to one
    with it. So where the shown fact has no cost, the lost one had none, and provider and message id decide as before.
    """
    return Outcome(
        execution_id=state.execution_id,
        job_id=state.job_id,
        outcome=shown.outcome,
        at=shown.at,
        **_said(
            shown.outcome,
            _greater(state.code, 200),
            _greater(state.message, 1000 if shown.outcome == "failed" else 200),
        ),
    )


def _greater(text: str | None, most: int) -> str:
    """A text that stands behind another in a journal's JSON; the highest there is where it would be too long."""
    longer = f"{text}~"
    return longer if len(longer) <= most else _HIGHEST * most


def _said(kind: str, code: Any, message: Any) -> dict[str, Any]:
    if kind == "failed":
        return {"error": Error(code=code, message=message)}
    return {"code": code, "reason": message} if kind == "filtered" else {}


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
