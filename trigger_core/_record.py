"""Recording: a call's facts are held against what is known, laid out as a batch, and applied by set-based SQL.

What is known of triggers and executions is little and never changes, so it is compared here. All that is about jobs
is done by the statements of ``trigger_sql``, whose names say the family of facts and the step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import attrs

from trigger_core._derive import places
from trigger_core._heads import ExecutionHead, Heads
from trigger_core.errors import FactError, FactsRefused
from trigger_core.facts import (
    IMPLY_DELIVERY,
    OUTCOMES,
    Attempt,
    Cancel,
    Event,
    Execution,
    Fact,
    Job,
    Outcome,
    Started,
    Trigger,
    canonical,
)
from trigger_core.store import Session

Line = tuple[int, Fact]
Timed = TypeVar("Timed", Attempt, Outcome)

_RANK: Final = {outcome: rank for rank, outcome in enumerate(OUTCOMES, 1)}
_FEW: Final = 3
"""So many events on their own are recorded by a few statements each: laying out a batch takes longer than that."""
NO_TRIGGER: Final = "no trigger of this id is recorded: record it first, or in the same call"
NO_EXECUTION: Final = "no execution of this id is recorded: record it first, or in the same call"
NO_JOB: Final = "no job of this id is recorded: record it first, or in the same call"
OTHER_JOB: Final = "differs from what is recorded of this job, which can't change"
OTHER_MESSAGE: Final = "leads to another job already; a message is sent for one job"
_OTHER_ACCOUNT: Final = "belongs to another account"


class Batch:
    """Some facts on their way into the store, in one transaction.

    Args:
        session: the write transaction.
        known: what was known before.
        lines: the facts with their places in the call.
        account: whose facts these must be; anybody's where it is None.
    """

    def __init__(self, session: Session, known: Heads, lines: Iterable[Line], account: str | None) -> None:
        self._session = session
        self._known = known
        self._account = account
        self._errors: list[FactError] = []
        self._staged: dict[str, None] = {}
        self._lines: dict[type[Fact], list[tuple[int, Any]]] = {}
        for line, fact in lines:
            self._lines.setdefault(type(fact), []).append((line, fact))
        self._triggers: dict[str, Trigger] = {}
        self._made: dict[str, Trigger] = {}
        self._currencies: dict[str, str | None] = {}
        self._executions: dict[str, ExecutionHead] = {}
        self._matched: set[str] = set()

    def apply(self) -> None:
        """Records the facts.

        Raises:
            FactsRefused: some contradict the contract or what is recorded; the transaction must be rolled back.
        """
        self._resolve()
        if self._lines.keys() == {Event} and len(self._lines[Event]) <= _FEW:
            self._lines[Event] = [line for line in self._lines[Event] if not self._record_event(*line)]
        self._record_triggers()
        self._record_executions()
        self._record_started_and_expected()
        self._record_cancels()
        self._record_jobs()
        self._record_attempts()
        self._record_outcomes()
        self._record_events()
        self._raise()
        self._session.clear(*self._staged)

    def check(self, currencies: Mapping[str, str]) -> tuple[list[FactError], dict[str, ExecutionHead]]:
        """Holds triggers, executions and cancels against each other and what is recorded; records nothing.

        Args:
            currencies: what accounts pay in, where no trigger of theirs is recorded yet.

        Returns:
            What is wrong, and every execution that is right, by id.
        """
        self._resolve()
        self._new_triggers(currencies)
        self._new_executions()
        self._earliest_cancels()
        return self._errors, self._executions

    @property
    def touched(self) -> set[str]:
        """The triggers that the facts are about."""
        return {*self._matched, *self._triggers, *(head.trigger_id for head in self._executions.values())}

    def keep(self) -> None:
        """Remembers the heads, now that they are recorded for good."""
        self._known.keep(self._triggers.values(), self._executions.values())

    def _refuse(self, line: int, field: str, problem: str) -> None:
        self._errors.append(FactError(line, field, problem))

    def _raise(self) -> None:
        if self._errors:
            raise FactsRefused(self._errors)

    def _stage(self, table: str, rows: Sequence[Sequence[object]]) -> bool:
        if rows:
            self._session.append(table, rows)
            self._staged[table] = None
        return bool(rows)

    def _changed(self, table: str) -> None:
        self._staged[table] = None

    def _resolve(self) -> None:
        """Finds the recorded triggers and executions that the facts name."""
        trigger_ids = {
            fact.trigger_id for kind in (Trigger, Execution, Cancel) for _, fact in self._lines.get(kind, ())
        }
        execution_ids = {
            fact.execution_id
            for kind in (Execution, Started, Job, Attempt, Outcome, Event)
            for _, fact in self._lines.get(kind, ())
        }
        execution_ids.discard(None)
        if trigger_ids:
            self._triggers = self._known.triggers(self._session, trigger_ids)
        if execution_ids:
            self._executions = self._known.executions(self._session, execution_ids)

    def _record_triggers(self) -> None:
        new = self._new_triggers({})
        self._raise()
        if not new:
            return
        self._name_currencies(new)
        facts = new.values()
        self._session.append("triggers", [_trigger_row(fact) for fact in facts])
        if steps := [row for fact in facts for row in _step_rows(fact)]:
            self._session.append("steps", steps)
        self._session.append(
            "tally",
            [
                (
                    fact.account,
                    fact.trigger_id,
                    None,
                    "trigger",
                    fact.trigger_type,
                    1,
                    0,
                    0,
                    _naive(fact.created_at),
                    None,
                    1,
                )
                for fact in facts
            ],
        )

    def _new_triggers(self, currencies: Mapping[str, str]) -> dict[str, Trigger]:
        """The triggers that are not recorded yet; those that may not be are refused and count as unknown."""
        new = self._made
        for line, fact in self._lines.get(Trigger, ()):
            known = self._triggers.get(fact.trigger_id)
            if self._account not in (None, fact.account):
                self._refuse(line, "account", f"must be {self._account}: this call records for no other")
            elif known is None:
                self._triggers[fact.trigger_id] = new[fact.trigger_id] = fact
            elif known != fact:
                field = next(
                    field.name
                    for field in attrs.fields(Trigger)
                    if getattr(known, field.name) != getattr(fact, field.name)
                )
                self._refuse(line, field, "differs from what is recorded of this trigger, which can't change")
        if new:
            self._check_currencies(new, currencies)
        return new

    def _check_currencies(self, new: dict[str, Trigger], currencies: Mapping[str, str]) -> None:
        accounts = sorted({fact.account for fact in new.values()})
        self._currencies = dict(self._session.rows("account_currencies", accounts=accounts))
        known = {
            **currencies,
            **{account: code for account, code in self._currencies.items() if code is not None},
        }
        for line, fact in self._lines[Trigger]:
            if fact.currency != (currency := known.setdefault(fact.account, fact.currency)):
                self._refuse(line, "currency", f"must be {currency}, the currency of this account")
                if new.get(fact.trigger_id) == fact:
                    del new[fact.trigger_id], self._triggers[fact.trigger_id]

    def _name_currencies(self, new: dict[str, Trigger]) -> None:
        """Gives accounts without a currency that of their new triggers."""
        named = {fact.account: fact.currency for fact in new.values()}
        unnamed = [account for account in named if self._currencies.get(account) is None]
        if made := [(account, None) for account in unnamed if account not in self._currencies]:
            self._session.append("accounts", made)
        for account in unnamed:
            self._session.run("account_currency_set", account=account, currency=named[account])

    def _record_executions(self) -> None:
        new = self._new_executions()
        if new and not self._errors:
            self._session.append(
                "executions",
                [
                    (head.account, head.trigger_id, head.execution_id, head.channel, fact.step_id, None, None)
                    for fact, head in new
                ],
            )
            self._session.append(
                "tally",
                [
                    (
                        head.account,
                        head.trigger_id,
                        head.execution_id,
                        "execution",
                        head.place,
                        1,
                        0,
                        0,
                        None,
                        None,
                        1,
                    )
                    for _, head in new
                ],
            )

    def _new_executions(self) -> list[tuple[Execution, ExecutionHead]]:
        """The executions that are not recorded yet; those that may not be are refused."""
        lines = self._lines.get(Execution, ())
        asked = {fact.trigger_id for _, fact in lines if fact.execution_id not in self._executions}
        recorded = asked - self._made.keys()
        taken = {
            (head.trigger_id, head.place): head.execution_id
            for head in [*self._executions.values(), *self._known.executions_of(self._session, recorded)]
        }
        new = []
        for line, fact in lines:
            trigger = self._triggers.get(fact.trigger_id)
            if trigger is None:
                self._refuse(line, "trigger_id", NO_TRIGGER)
                continue
            if self._account not in (None, fact.account) or fact.account != trigger.account:
                self._refuse(line, "account", "must be the trigger's account")
                continue
            if wrong := _misplaced(fact, trigger):
                self._refuse(line, *wrong)
                continue
            place = fact.step_id or fact.channel
            head = ExecutionHead(
                fact.account,
                fact.trigger_id,
                fact.execution_id,
                fact.channel,
                place,
                trigger.workflow is not None,
            )
            known = self._executions.get(fact.execution_id)
            if known is None:
                if (
                    owner := taken.setdefault((fact.trigger_id, place), fact.execution_id)
                ) != fact.execution_id:
                    self._refuse(
                        line, "execution_id", f"the trigger's execution for {place} is {owner} already"
                    )
                    continue
                self._executions[fact.execution_id] = head
                new.append((fact, head))
            elif known != head:
                field = "trigger_id" if known.trigger_id != head.trigger_id else "channel"
                if field == "channel" and known.channel == head.channel:
                    field = "step_id"
                self._refuse(
                    line, field, "differs from what is recorded of this execution, which can't change"
                )
        return new

    def _head(self, line: int, execution_id: str) -> ExecutionHead | None:
        """The head of a named execution; None, and an error, where the fact may not name it."""
        head = self._executions.get(execution_id)
        if head is None:
            self._refuse(line, "execution_id", NO_EXECUTION)
        elif self._account not in (None, head.account):
            self._refuse(line, "execution_id", _OTHER_ACCOUNT)
            return None
        return head

    def _record_started_and_expected(self) -> None:
        merged: dict[str, tuple[int, int | None, datetime | None]] = {}
        for line, fact in [*self._lines.get(Execution, ()), *self._lines.get(Started, ())]:
            key = fact.execution_id
            _, expected, started = merged.get(key, (line, None, None))
            if isinstance(fact, Started):
                if self._head(line, key) is None:
                    continue
                at = _naive(fact.at)
                started = at if started is None else min(started, at)
            elif fact.expected_jobs is not None:
                expected = fact.expected_jobs if expected is None else max(expected, fact.expected_jobs)
            if expected is not None or started is not None:
                merged[key] = (line, expected, started)
        self._raise()
        rows = [
            (line, head.account, head.trigger_id, key, expected, started)
            for key, (line, expected, started) in merged.items()
            for head in [self._executions[key]]
        ]
        if self._stage("staged_executions", rows):
            self._session.run("execution_facts_tally")
            self._session.run("execution_facts_update")

    def _record_cancels(self) -> None:
        rows = [(self._triggers[key].account, key, at) for key, at in self._earliest_cancels().items()]
        if self._stage("staged_cancels", rows):
            self._session.run("cancels_tally")
            self._session.run("cancels_update")

    def _earliest_cancels(self) -> dict[str, datetime]:
        merged: dict[str, datetime] = {}
        for line, fact in self._lines.get(Cancel, ()):
            trigger = self._triggers.get(fact.trigger_id)
            if trigger is None:
                self._refuse(line, "trigger_id", NO_TRIGGER)
            elif self._account not in (None, trigger.account):
                self._refuse(line, "trigger_id", _OTHER_ACCOUNT)
            else:
                at = _naive(fact.at)
                merged[fact.trigger_id] = min(at, merged.get(fact.trigger_id, at))
        return merged

    def _record_jobs(self) -> None:
        merged: dict[tuple[str, int], Job] = {}
        rows = []
        workflows = False
        for line, fact in self._lines.get(Job, ()):
            head = self._head(line, fact.execution_id)
            if head is None:
                continue
            key = (fact.execution_id, fact.job_id)
            known = merged.get(key)
            if known is None:
                merged[key] = fact
                workflows = workflows or head.in_workflow
                rows.append(
                    (
                        line,
                        head.account,
                        head.trigger_id,
                        fact.execution_id,
                        fact.job_id,
                        fact.contact,
                        fact.address,
                        head.in_workflow,
                    )
                )
            elif known != fact:
                self._refuse_job(line, "contact" if known.contact != fact.contact else "address")
        if not self._stage("staged_jobs", rows):
            return
        for line, field in self._session.rows("job_conflicts"):
            self._refuse_job(line, field)
        self._session.run("jobs_known")
        if workflows:
            self._session.run("contacts_tally")
            self._session.run("contacts_insert")
        self._session.run("jobs_tally")
        self._session.run("jobs_insert")

    def _refuse_job(self, line: int, field: str) -> None:
        self._refuse(line, field, OTHER_JOB)

    def _record_attempts(self) -> None:
        merged: dict[tuple[str, int, int], tuple[int, Attempt]] = {}
        for line, fact in self._lines.get(Attempt, ()):
            if self._head(line, fact.execution_id) is not None:
                key = (fact.execution_id, fact.job_id, fact.n)
                merged[key] = _earlier(merged.get(key), (line, fact))
        rows = []
        for line, fact in merged.values():
            head = self._executions[fact.execution_id]
            error = fact.error
            rows.append(
                (
                    line,
                    head.account,
                    head.trigger_id,
                    fact.execution_id,
                    fact.job_id,
                    fact.n,
                    _naive(fact.at),
                    fact.provider,
                    error and error.code,
                    error and error.message,
                    fact.next_attempt_at and _naive(fact.next_attempt_at),
                )
            )
        if not self._stage("staged_attempts", rows):
            return
        session = self._session
        session.run("attempts_change")
        self._changed("changed_attempts")
        [(unknown, replacing, tied)] = session.rows("attempts_counts")
        if unknown:
            for (line,) in session.rows("attempts_unknown"):
                self._refuse(line, "job_id", NO_JOB)
        if tied:
            session.run("attempts_settle")
        if replacing:
            session.run("attempts_replaced")
        session.run("attempts_tally")
        session.run("attempts_insert")

    def _record_outcomes(self) -> None:
        by_job: dict[tuple[str, int], list[tuple[int, Outcome]]] = {}
        for line, fact in self._lines.get(Outcome, ()):
            if self._head(line, fact.execution_id) is not None:
                by_job.setdefault((fact.execution_id, fact.job_id), []).append((line, fact))
        executions = self._executions
        rows = [_outcome_row(executions[key[0]], lines) for key, lines in by_job.items()]
        if not self._stage("staged_outcomes", rows):
            return
        session = self._session
        session.run("outcomes_change")
        self._changed("changed_outcomes")
        [(unknown, tied, arriving, leaving)] = session.rows("outcomes_counts")
        if unknown:
            for (line,) in session.rows("outcomes_unknown"):
                self._refuse(line, "job_id", NO_JOB)
            return
        if tied:
            session.run("outcomes_settle")
            session.run("outcomes_settled")
        if arriving:
            session.run("samples_add")
        session.run("outcomes_tally")
        session.run("outcomes_update")
        if leaving:
            session.run("samples_forget")
            session.run("samples_rebuild")
        self._record_messages(by_job)

    def _record_messages(self, by_job: dict[tuple[str, int], list[tuple[int, Outcome]]]) -> None:
        merged: dict[tuple[str, str, str], tuple[str, int]] = {}
        rows = []
        for target, lines in by_job.items():
            head = self._executions[target[0]]
            for line, fact in lines:
                if fact.provider_message_id is None or fact.provider is None:
                    continue
                key = (head.account, fact.provider, fact.provider_message_id)
                if key not in merged:
                    merged[key] = target
                    rows.append((line, *key, head.trigger_id, *target))
                elif merged[key] != target:
                    self._refuse_message(line)
        if self._stage("staged_messages", rows):
            for (line,) in self._session.rows("message_conflicts"):
                self._refuse_message(line)
            self._raise()
            self._session.run("messages_insert")

    def _refuse_message(self, line: int) -> None:
        self._refuse(
            line, "provider_message_id", "leads to another job already; a message is sent for one job"
        )

    def _record_events(self) -> None:
        rows = [self._event_row(line, fact) for line, fact in self._lines.get(Event, ())]
        by_message = any(fact.execution_id is None for _, fact in self._lines.get(Event, ()))
        self._raise()
        session = self._session
        staged = self._stage("staged_events", rows)
        if by_message:
            session.run("events_match")
        if self._unpark():
            staged = True
        if not staged:
            return
        session.run("events_change")
        self._changed("changed_events")
        [(unknown, replacing, changed)] = session.rows("events_counts")
        if unknown:
            session.run("events_park")
        if replacing:
            session.run("events_replaced")
        if by_message:
            self._matched |= {str(trigger_id) for (trigger_id,) in session.rows("events_triggers")}
        if changed:
            session.run("events_tally")
            session.run("events_insert")

    def _record_event(self, line: int, fact: Event) -> bool:
        """Records an event by point statements, unless its job is unknown or a later time of it is recorded."""
        _, _, trigger_id, execution_id, job_id, provider, message_id, kind, at = self._event_row(line, fact)
        session = self._session
        if provider is not None:
            found = session.rows(
                "message_job", account=fact.account, provider=provider, provider_message_id=message_id
            )
            trigger_id, execution_id, job_id = found[0] if found else (None, None, None)
        if trigger_id is None or self._errors:
            return False
        job = {"trigger_id": trigger_id, "execution_id": execution_id, "job_id": job_id}
        state = session.rows("event_state", **job)
        times = {known: moment for _, known, moment in state}
        kinds = (kind, "reached") if kind in IMPLY_DELIVERY else (kind,)
        if not state or any(times.get(one) is not None and at < times[one] for one in kinds):
            return False
        account = state[0][0]
        for one in kinds:
            if one not in times:
                session.run("event_insert", account=account, **job, type=one, occurred_at=at)
                session.run(
                    "event_tally",
                    account=account,
                    trigger_id=trigger_id,
                    execution_id=execution_id,
                    measure="delivery_failed" if one == "failed" else one,
                    occurred_at=at,
                )
        self._matched.add(str(trigger_id))
        return True

    def _event_row(self, line: int, fact: Event) -> tuple[Any, ...]:
        at = _naive(fact.at)
        if fact.execution_id is None:
            if self._account not in (None, fact.account):
                self._refuse(line, "account", f"must be {self._account}: this call records for no other")
            message = (fact.provider, fact.provider_message_id)
            return (fact.account, fact.event_id, None, None, None, *message, fact.type, at)
        head = self._executions.get(fact.execution_id)
        if head is None or self._account not in (None, head.account):
            account, trigger_id = self._account, None
        else:
            account, trigger_id = head.account, head.trigger_id
        return (account, fact.event_id, trigger_id, fact.execution_id, fact.job_id, None, None, fact.type, at)

    def _unpark(self) -> bool:
        """Stages the parked events that waited for this batch's jobs and message ids; whether there may be any."""
        origins = [origin for origin in ("job", "message") if f"staged_{origin}s" in self._staged]
        if not origins or not self._session.rows("parked_any"):
            return False
        self._changed("staged_events")
        for origin in origins:
            self._session.run(f"unpark_by_{origin}")
            self._session.run(f"unparked_by_{origin}")
        return True


def _misplaced(fact: Execution, trigger: Trigger) -> tuple[str, str] | None:
    """The field and the problem of an execution that its trigger has no place for."""
    run = trigger.workflow
    if run is None or run.steps is None:
        if fact.step_id is not None:
            return "step_id", "is not for a trigger without steps"
        if fact.channel not in (channels := places(trigger)):
            return "channel", f"must be {' or '.join(channels)}, as the trigger says"
        return None
    if fact.step_id is None:
        return "step_id", "is missing: the trigger has steps"
    step = next((step for step in run.steps if step.step_id == fact.step_id), None)
    if step is None:
        return "step_id", f"must be one of {', '.join(step.step_id for step in run.steps)}"
    if fact.channel != step.channel:
        return "channel", f"must be {step.channel}, as the step says"
    return None


def _trigger_row(fact: Trigger) -> tuple[object, ...]:
    run = fact.workflow
    return (
        fact.account,
        fact.trigger_id,
        fact.flow_type,
        fact.trigger_type,
        fact.trigger_source,
        fact.campaign_name,
        fact.currency,
        _naive(fact.created_at),
        fact.scheduled_at and _naive(fact.scheduled_at),
        *((run.id, run.name, run.execution_id, run.type, run.template_group_id) if run else (None,) * 5),
        None,
    )


def _step_rows(fact: Trigger) -> list[tuple[object, ...]]:
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


def _outcome_row(head: ExecutionHead, lines: list[tuple[int, Outcome]]) -> tuple[object, ...]:
    """One job's outcomes as one row: the best of them, the first time of each, the last of any."""
    first: list[datetime | None] = [None, None, None, None]
    if len(lines) == 1:
        line, best = lines[0]
        last = first[_RANK[best.outcome] - 1] = _naive(best.at)
    else:
        by_outcome: dict[str, tuple[int, Outcome]] = {}
        for entry in lines:
            by_outcome[entry[1].outcome] = _earlier(by_outcome.get(entry[1].outcome), entry)
        line, best = min(by_outcome.values(), key=lambda entry: _RANK[entry[1].outcome])
        for _, fact in by_outcome.values():
            first[_RANK[fact.outcome] - 1] = _naive(fact.at)
        last = _naive(max(fact.at for _, fact in lines))
    error = best.error
    return (
        line,
        head.account,
        head.trigger_id,
        best.execution_id,
        best.job_id,
        best.outcome,
        _RANK[best.outcome],
        _naive(best.at),
        *first,
        last,
        error.code if error else best.code,
        error.message if error else best.reason,
        best.provider,
        best.provider_message_id,
        best.segments,
        best.cost,
    )


def _earlier(known: tuple[int, Timed] | None, entry: tuple[int, Timed]) -> tuple[int, Timed]:
    """Of two facts that exclude each other the one that wins: the earlier, else the smaller text."""
    if known is None or entry[1].at < known[1].at:
        return entry
    if entry[1].at == known[1].at and entry[1] != known[1] and canonical(entry[1]) < canonical(known[1]):
        return entry
    return known


def _naive(moment: datetime) -> datetime:
    """A time as the store has it: UTC, without saying so."""
    return moment.replace(tzinfo=None)
