"""Copying facts: what one store recorded is recorded by the other, unless it is there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, cast

from trigger_core import _export
from trigger_core._copying import FIRST, Conflict, Report, packed, pages
from trigger_core._derive import utc
from trigger_core._export import Message, State
from trigger_core._heads import Heads
from trigger_core._register import Register
from trigger_core.errors import FactsRefused
from trigger_core.facts import Cancel, Event, Execution, Fact, Job, Started, Trigger
from trigger_core.library import Library
from trigger_core.store import Row, Session

_TRIGGERS: Final = 3000
_JOBS: Final = 10_000
_BATCH: Final = 20_000
_PARKED: Final = 10_000
_LAST: Final = 2**31 - 1
"""No job_id is greater."""

_SAID, _OUTCOME_AT, _PLANNED = 4, 8, 15
"""Columns of ``copy_jobs``: the first of what outcomes say, last_outcome_at, and the first of what was planned."""


class Contradicted(Exception):
    """The target refused facts."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        super().__init__()
        self.conflicts = conflicts


class _Triggers(NamedTuple):
    """Some triggers, their executions by id, and when those were cancelled that were."""

    heads: dict[str, Trigger]
    executions: dict[str, Row]
    cancelled: dict[str, Any]

    def facts(self) -> Iterator[Fact]:
        """What was said of them."""
        yield from self.heads.values()
        for key, (
            account,
            trigger_id,
            _,
            channel,
            step_id,
            expected,
            started_at,
            _,
        ) in self.executions.items():
            yield Execution(
                account=account,
                trigger_id=str(trigger_id),
                execution_id=key,
                channel=channel,
                step_id=step_id,
                expected_jobs=expected,
            )
            if started_at is not None:
                yield Started(execution_id=key, at=utc(started_at))
        for key, cancelled_at in self.cancelled.items():
            yield Cancel(trigger_id=key, at=utc(cancelled_at))


class _Page(NamedTuple):
    """Some jobs of some executions, and all that is recorded of them."""

    jobs: list[Row]
    attempts: list[Row]
    messages: list[Row]
    events: list[Row]

    def facts(self) -> Iterator[Fact]:
        """The same as facts."""
        messages: dict[tuple[Any, int], list[Message]] = defaultdict(list)
        for execution_id, job_id, provider, provider_message_id in self.messages:
            messages[execution_id, job_id].append(Message(provider, provider_message_id))
        for execution_id, job_id, contact, address, *_ in self.jobs:
            yield Job(execution_id=str(execution_id), job_id=job_id, contact=contact, address=address)
        for execution_id, *row in self.attempts:
            yield _export.attempt(str(execution_id), tuple(row))
        for execution_id, job_id, _, _, *said in self.jobs:
            state = said[: _PLANNED - _SAID]
            if state[_OUTCOME_AT - _SAID] is not None:
                one = State(str(execution_id), job_id, *state)
                yield from _export.outcomes(one, messages.get((execution_id, job_id), []))
        for execution_id, job_id, kind, occurred_at in self.events:
            yield Event(
                event_id=f"{execution_id}:{job_id}:{kind}",
                type=kind,
                at=utc(occurred_at),
                execution_id=str(execution_id),
                job_id=job_id,
            )


def conflicts(source: Library, target: Library, report: Report) -> Iterator[Conflict]:
    """What the target has to say against the source's triggers and executions."""
    with target.store.read() as session:
        [(known, _, _)] = session.rows("copy_totals")
    if not known:
        return
    checked = 0
    for rows in pages(source.store, "copy_triggers", 0, FIRST, _TRIGGERS):
        with source.store.read() as session:
            facts = list(_triggers(session, [str(key) for (key,) in rows]).facts())
        with target.store.read() as session:
            errors, _ = Register(session, Heads(), enumerate(facts), None).check({})
        for error in errors:
            yield Conflict(_subject(facts[error.row]), f"{error.field}: {error.problem}")
        checked += len(rows)
        report("checking triggers", checked, None)


class Facts:
    """All facts of a store on their way into another.

    Args:
        source: where they come from.
        target: where they go.
        jobs: how many jobs there are.
        report: told how many are done.

    Attributes:
        recorded: how many facts the target had to record.
    """

    def __init__(self, source: Library, target: Library, jobs: int, report: Report) -> None:
        self._source = source
        self._target = target
        self._jobs = jobs
        self._report = report
        self._done = 0
        self._batch: list[Fact] = []
        self._planned: list[Row] = []
        self.recorded = 0

    def record(self) -> None:
        """Records them, a transaction for every twenty thousand or so.

        Raises:
            Contradicted: the target refuses some.
        """
        for rows in pages(self._source.store, "copy_triggers", 0, FIRST, _TRIGGERS):
            with self._source.store.read() as session:
                self._record_triggers(session, _triggers(session, [str(key) for (key,) in rows]))
        self._record_parked()

    def _record_triggers(self, session: Session, triggers: _Triggers) -> None:
        with self._target.store.read() as there:
            known = _triggers(there, list(triggers.heads))
        said = set(known.facts())
        self._batch += [fact for fact in triggers.facts() if fact not in said]
        executions = triggers.executions.values()
        for group in packed(executions, lambda row: row[-1], _JOBS):
            for page in self._pages(session, group, {str(row[2]) for row in group} & known.executions.keys()):
                self._batch += page.facts()
                owner = {row[2]: row[:2] for row in group}
                self._planned += [
                    (*owner[row[0]], *row[:2], *row[_PLANNED:])
                    for row in page.jobs
                    if row[_PLANNED] is not None
                ]
                if len(self._batch) >= _BATCH:
                    self._flush()
        self._flush()

    def _pages(self, session: Session, group: Sequence[Row], known: set[str]) -> Iterator[_Page]:
        """The pages of some executions' jobs that the target hasn't word for word."""
        named = {
            "trigger_ids": [str(row[1]) for row in group],
            "execution_ids": [str(row[2]) for row in group],
        }
        limit = _JOBS if len(group) == 1 else _LAST
        after = 0
        while jobs := session.rows("copy_jobs", **named, after=after, through=_LAST, limit=limit):
            through = jobs[-1][1] if len(jobs) == limit else _LAST
            page = _page(session, jobs, {**named, "after": after, "through": through})
            if not known or page != self._there(named, after, through):
                yield page
            self._done += len(jobs)
            self._report("copying jobs", min(self._done, self._jobs), self._jobs)
            if through == _LAST:
                return
            after = through

    def _there(self, named: dict[str, list[str]], after: int, through: int) -> _Page:
        asked = {**named, "after": after, "through": through}
        with self._target.store.read() as session:
            return _page(session, session.rows("copy_jobs", **asked, limit=_LAST), asked)

    def _flush(self) -> None:
        batch, planned = self._batch, self._planned
        self._batch, self._planned = [], []
        self._write(batch)
        if planned:
            with self._target.store.write() as session:
                session.append("staged_planned", planned)
                session.run("copy_planned_put")
                session.clear("staged_planned")

    def _write(self, facts: Sequence[Fact], account: str | None = None) -> None:
        try:
            self._target.record(facts, account=account)
        except FactsRefused as error:
            raise Contradicted(
                [Conflict(_subject(facts[one.row]), f"{one.field}: {one.problem}") for one in error.errors]
            ) from error
        self.recorded += len(facts)

    def _record_parked(self) -> None:
        """Events whose job is unknown here may find it there."""
        for rows in pages(self._source.store, "copy_parked_events", 1, "", _PARKED):
            by_account: dict[str | None, list[Fact]] = defaultdict(list)
            for account, event_id, execution_id, job_id, provider, message_id, kind, occurred_at in rows:
                by_account[account].append(
                    Event(
                        event_id=event_id,
                        type=kind,
                        at=utc(occurred_at),
                        execution_id=execution_id and str(execution_id),
                        job_id=job_id,
                        account=None if execution_id else account,
                        provider=provider,
                        provider_message_id=message_id,
                    )
                )
            for account, events in by_account.items():
                self._write(events, account)


def _triggers(session: Session, ids: Sequence[str]) -> _Triggers:
    """Those of some triggers that are recorded."""
    executions = session.rows("copy_executions", trigger_ids=ids)
    return _Triggers(
        heads=Heads().triggers(session, ids),
        executions={str(row[2]): row for row in executions},
        cancelled={str(key): at for key, at in session.rows("copy_cancelled", trigger_ids=ids)},
    )


def _page(session: Session, jobs: list[Row], asked: dict[str, Any]) -> _Page:
    return _Page(
        jobs, *(session.rows(f"copy_{part}", **asked) for part in ("attempts", "messages", "events"))
    )


def _subject(fact: Fact) -> str:
    """What a fact is about, in words."""
    named = cast(Any, fact)
    if isinstance(fact, Trigger | Cancel):
        return f"trigger {named.trigger_id}"
    if isinstance(fact, Execution):
        return f"execution {named.execution_id} of trigger {named.trigger_id}"
    job_id = getattr(fact, "job_id", None)
    return f"execution {named.execution_id}" + (f", job {job_id}" if job_id else "")
