"""Recording: a call's facts are laid out as a batch and applied by set-based SQL.

The names of the statements say the family of facts and the step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import dropwhile
from typing import Any, Final

from trigger_core._heads import Heads
from trigger_core._register import NO_JOB, OTHER_JOB, OTHER_MESSAGE, Line, Lines, Register
from trigger_core._rows import (
    attempt_row,
    earlier,
    message_row,
    naive,
    outcome_row,
    outcome_rows,
    step_rows,
    tally_row,
    trigger_row,
)
from trigger_core.errors import StoreConflict
from trigger_core.facts import FLOW_TYPES, IMPLY_DELIVERY, Attempt, Event, Job, Outcome, Trigger
from trigger_core.store import Session

_CANCEL: Final = (
    "cancels_held",
    "cancels_claimed",
    "cancels_tally",
    "cancels_update",
    "cancels_dispatches",
    "cancels_retries",
    "cancels_steps",
    "cancels_audiences",
)
"""In this order: the first two look whether the trigger was cancelled before."""

_LOCK_CANCELLED: Final = ("triggers_lock", "steps_lock", "work_lock")
"""In this order: when planned steps are seen so is what they left to be sent."""

APPLIED: Final = ("recorded_outcomes", "unrecorded_outcomes", "matched_outcomes", "changed_outcomes")
"""What ``apply_outcomes`` leaves behind, to be cleared before the next ones are staged."""

_OPT_OUT: Final = frozenset({"complained", "unsubscribed"})

_FEW: Final = 3
"""So many events of one job are recorded by a few statements each: laying out a batch takes longer than that."""


class Batch:
    """Some facts on their way into the store, in one transaction.

    Args:
        session: the write transaction.
        known: what was known before.
        lines: the facts with their places in the call.
        account: whose facts these must be; anybody's where it is None.

    Attributes:
        accepted: how many events changed something.
        unmatched: how many events have no job, or none of the account's.
    """

    def __init__(self, session: Session, known: Heads, lines: Iterable[Line], account: str | None) -> None:
        self._session = session
        self._known = known
        self._register = Register(session, known, lines, account)
        self._staged: dict[str, None] = {}
        self._in_workflows = False
        self._more_outcomes: list[list[tuple[object, ...]]] = []
        self._named = 0
        self._has_others = False
        self._matched: set[str] = set()
        self.accepted = 0
        self.unmatched = 0

    def apply(self) -> None:
        """Records the facts.

        Raises:
            FactsRefused: some contradict the contract or what is recorded; the transaction must be rolled back.
            StoreConflict: another process recorded the same at the same moment; so must it.
        """
        register = self._register
        self.unmatched += sum(self._is_foreign(fact) for _, fact in register.lines.get(Event, ()))
        if register.lines.keys() == {Event} and self._is_small(register.lines[Event]):
            in_time = sorted(register.lines[Event], key=lambda line: line[1].at)  # of a type the first counts
            register.lines[Event] = Lines(
                dropwhile(lambda line: self._is_foreign(line[1]) or self._record_event(*line), in_time)
            )
        self._record_triggers()
        self._record_executions()
        self._lay_out()
        self._lock()
        self._lock_and_record_jobs()
        self._record_started_and_expected()
        self._record_cancels()
        self._record_attempts()
        self._record_outcomes()
        self._record_events()
        register.raise_refused()
        self._session.clear(*self._staged)

    @property
    def touched(self) -> set[str]:
        """The triggers that the facts are about."""
        heads = self._register.executions.values()
        return {*self._matched, *self._register.triggers, *(head.trigger_id for head in heads)}

    def keep(self) -> None:
        """Remembers the heads, now that they are recorded for good."""
        self._known.keep(self._register.triggers.values(), self._register.executions.values())

    def _stage(self, table: str, rows: Sequence[Sequence[object]]) -> bool:
        if rows:
            self._session.append(table, rows)
            self._staged[table] = None
        return bool(rows)

    def _changed(self, table: str) -> None:
        self._staged[table] = None

    def _record_triggers(self) -> None:
        new = self._register.new_triggers({})
        self._register.raise_refused()
        if not new:
            return
        self._name_currencies(new)
        facts = new.values()
        self._session.append("triggers", [trigger_row(fact) for fact in facts])
        if steps := [row for fact in facts for row in step_rows(fact)]:
            self._session.append("steps", steps)
        self._session.append(
            "tally",
            [
                tally_row(
                    fact.account, fact.trigger_id, None, "trigger", fact.trigger_type, naive(fact.created_at)
                )
                for fact in facts
            ],
        )

    def _name_currencies(self, new: dict[str, Trigger]) -> None:
        """Gives accounts without a currency that of their new triggers."""
        recorded = self._register.currencies
        named = {fact.account: fact.currency for fact in new.values()}
        unnamed = [account for account in named if recorded.get(account) is None]
        if made := [(account, None) for account in unnamed if account not in recorded]:
            self._session.append("accounts", made)
        for account in sorted(unnamed):
            name_currency(self._session, account, named[account])

    def _record_executions(self) -> None:
        new = self._register.new_executions()
        self._register.raise_refused()
        if not new:
            return
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
                tally_row(head.account, head.trigger_id, head.execution_id, "execution", head.place)
                for _, head in new
            ],
        )
        self._session.guard(
            "execution_ids_insert",
            execution_ids=[head.execution_id for _, head in new],
            trigger_ids=[head.trigger_id for _, head in new],
            accounts=[head.account for _, head in new],
            channels=[head.channel for _, head in new],
            step_ids=[fact.step_id for fact, _ in new],
            flow_types=[FLOW_TYPES[head.in_workflow] for _, head in new],
        )

    def _lay_out(self) -> None:
        """Stages all that is to be held against what is recorded."""
        self._stage_started_and_expected()
        triggers = self._register.triggers
        self._stage(
            "staged_cancels",
            [(triggers[key].account, key, at) for key, at in self._register.cancels().items()],
        )
        self._stage_jobs()
        self._stage_attempts()
        self._stage_outcomes()
        self._stage_events()

    def _lock(self) -> None:
        """Keeps others from changing what the staged facts are about; each lock in the order of its keys."""
        staged, guard = self._staged.keys(), self._session.guard
        if self._named or staged & {"staged_jobs", "staged_events"}:
            guard("arrivals_lock")
        if self._names_messages():
            self._session.run("events_match")
        if "staged_cancels" in staged:
            for statement in _LOCK_CANCELLED:
                guard(statement)
        if "staged_executions" in staged:
            guard("executions_lock")  # after what is to be sent, as workers do
        if staged & {"staged_cancels", "staged_outcomes"}:
            guard("claims_lock")

    def _lock_and_record_jobs(self) -> None:
        """Does the same with jobs: before new ones are added, as others wait for these with their own jobs locked.

        And again afterwards, as another may have brought one of the new ones since this began.
        """
        staged, guard = self._staged.keys(), self._session.guard
        if staged & {"staged_cancels", "staged_attempts", "staged_outcomes", "staged_events"}:
            guard("jobs_lock")
        self._record_jobs()
        if "staged_jobs" in staged and staged & {"staged_cancels", "staged_attempts", "staged_events"}:
            guard("jobs_lock")

    def _stage_started_and_expected(self) -> None:
        executions = self._register.executions
        self._stage(
            "staged_executions",
            [
                (line, head.account, head.trigger_id, key, expected, started)
                for key, (line, expected, started) in self._register.started_and_expected().items()
                for head in [executions[key]]
            ],
        )

    def _record_started_and_expected(self) -> None:
        if "staged_executions" in self._staged:
            self._session.run("execution_facts_tally")
            self._session.run("execution_facts_update")

    def _record_cancels(self) -> None:
        if "staged_cancels" in self._staged:
            for statement in _CANCEL:
                self._session.run(statement)

    def _stage_jobs(self) -> None:
        merged: dict[tuple[str, int], Job] = {}
        rows = []
        for line, fact in self._register.lines.get(Job, ()):
            head = self._register.head(line, fact.execution_id)
            if head is None:
                continue
            key = (fact.execution_id, fact.job_id)
            known = merged.get(key)
            if known is None:
                merged[key] = fact
                self._in_workflows = self._in_workflows or head.in_workflow
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
                field = "contact" if known.contact != fact.contact else "address"
                self._register.refuse(line, field, OTHER_JOB)
        self._stage("staged_jobs", rows)

    def _record_jobs(self) -> None:
        if "staged_jobs" not in self._staged:
            return
        for line, field in self._session.rows("job_conflicts"):
            self._register.refuse(line, field, OTHER_JOB)
        self._session.run("jobs_known")
        if self._in_workflows:
            self._session.run("contacts_tally")
            self._session.run("contacts_insert")
        self._session.run("jobs_tally")
        self._session.run("jobs_insert")

    def _stage_attempts(self) -> None:
        merged: dict[tuple[str, int, int], tuple[int, Attempt]] = {}
        for line, fact in self._register.lines.get(Attempt, ()):
            if self._register.head(line, fact.execution_id) is not None:
                key = (fact.execution_id, fact.job_id, fact.n)
                merged[key] = earlier(merged.get(key), (line, fact))
        self._stage(
            "staged_attempts",
            [
                attempt_row(self._register.executions[fact.execution_id], line, fact)
                for line, fact in merged.values()
            ],
        )

    def _record_attempts(self) -> None:
        if "staged_attempts" not in self._staged:
            return
        self._changed("changed_attempts")
        if apply_attempts(self._session):
            for (line,) in self._session.rows("attempts_unknown"):
                self._register.refuse(line, "job_id", NO_JOB)

    def _stage_outcomes(self) -> None:
        lines = self._register.lines.get(Outcome)
        if not lines:
            return
        executions = self._register.executions
        places = {
            key: place for place, key in enumerate(dict.fromkeys(fact.execution_id for _, fact in lines))
        }
        refused = {
            key
            for key in places
            if (head := executions.get(key)) is None or self._register.account not in (None, head.account)
        }
        if refused:
            for line, fact in lines:
                if fact.execution_id in refused:
                    self._register.head(line, fact.execution_id)
            return
        self._stage(
            "staged_places",
            [
                (head.account, head.trigger_id, key, place)
                for key, place in places.items()
                for head in [executions[key]]
            ],
        )
        self._named = sum(fact.provider_message_id is not None for _, fact in lines)
        if len({places[fact.execution_id] << 32 | fact.job_id for _, fact in lines}) == len(lines):
            self._stage(
                "staged_outcomes",
                [outcome_row(places[fact.execution_id], line, fact) for line, fact in lines],
            )
        else:
            rows, *self._more_outcomes = outcome_rows(places, lines)
            self._stage("staged_outcomes", rows)
            messages = [
                message_row(executions[fact.execution_id], line, fact)
                for line, fact in lines
                if fact.provider_message_id is not None
            ]
            self._stage("named_messages", messages)
            best = {line for line, *_ in rows}
            self._has_others = any(line not in best for line, *_ in messages)

    def _record_outcomes(self) -> None:
        if "staged_outcomes" not in self._staged:
            return
        session = self._session
        for table in APPLIED:
            self._changed(table)
        if not apply_outcomes(session):
            for (line,) in session.rows("outcomes_unknown"):
                self._register.refuse(line, "job_id", NO_JOB)
            return
        for rows in self._more_outcomes:
            session.clear("staged_outcomes", *APPLIED)
            session.append("staged_outcomes", rows)
            apply_outcomes(session)  # of jobs that the first ones were of
        if self._named:
            if "named_messages" in self._staged:
                session.clear("staged_outcomes")
            if self._has_others:
                sort_messages(session)
            if sum(kept for (kept,) in session.rows("messages_insert")) < self._named:
                for (line,) in session.rows("message_conflicts"):
                    self._register.refuse(line, "provider_message_id", OTHER_MESSAGE)

    def _stage_events(self) -> None:
        self._stage(
            "staged_events",
            [
                self._event_row(line, fact)
                for line, fact in self._register.lines.get(Event, ())
                if not self._is_foreign(fact)
            ],
        )

    def _record_events(self) -> None:
        self._register.raise_refused()
        session = self._session
        by_message = self._names_messages()
        if by_message and self._named:
            session.run("events_match")
        self._unpark()
        if "staged_events" not in self._staged:
            return
        accepted, unknown = apply_events(session)
        self._changed("changed_events")
        self.accepted += accepted
        self.unmatched += unknown
        if by_message:
            self._matched |= {str(trigger_id) for (trigger_id,) in session.rows("events_triggers")}

    def _is_small(self, lines: Lines) -> bool:
        """Whether these are few and name one job: several would be locked in the order in which they are told."""
        targets = {
            (fact.execution_id, fact.job_id, fact.account, fact.provider, fact.provider_message_id)
            for _, fact in lines
        }
        return len(lines) <= _FEW and len(targets) == 1

    def _names_messages(self) -> bool:
        """Whether events name the provider's message, not the job."""
        return any(fact.execution_id is None for _, fact in self._register.lines.get(Event, ()))

    def _record_event(self, line: int, fact: Event) -> bool:
        """Records an event by point statements, unless its job is unknown or a later time of it is recorded."""
        if fact.type in _OPT_OUT:
            return False
        account, _, trigger_id, execution_id, job_id, provider, message_id, kind, at = self._event_row(
            line, fact
        )
        session = self._session
        if provider is not None:
            found = session.rows(
                "message_job", account=fact.account, provider=provider, provider_message_id=message_id
            )
            trigger_id, execution_id, job_id = found[0] if found else (None, None, None)
        if trigger_id is None or self._register.refused:
            return False
        job = {"trigger_id": trigger_id, "execution_id": execution_id, "job_id": job_id}
        session.guard("job_lock", **job)
        state = session.rows("event_state", account=account, **job)
        times: dict[str, datetime] = dict(state)
        kinds = (kind, "reached") if kind in IMPLY_DELIVERY else (kind,)
        if signs := [moment for known, moment in times.items() if known in IMPLY_DELIVERY]:
            times["reached"] = min(signs)
        if not state or any(times.get(one) is not None and at < times[one] for one in kinds):
            return False
        if kind not in times:
            news = [one for one in kinds if one not in times]
            session.run(
                "event_record",
                account=account,
                **job,
                type=kind,
                measures=["delivery_failed" if one == "failed" else one for one in news],
                occurred_at=at,
            )
        self._matched.add(str(trigger_id))
        self.accepted += kind not in times
        return True

    def _is_foreign(self, fact: Event) -> bool:
        """Whether the event is of an execution that is another account's: it will never be this one's."""
        head = self._register.executions.get(fact.execution_id or "")
        return head is not None and self._register.account not in (None, head.account)

    def _event_row(self, line: int, fact: Event) -> tuple[Any, ...]:
        at = naive(fact.at)
        if fact.execution_id is None:
            if self._register.account not in (None, fact.account):
                self._register.refuse(
                    line, "account", f"must be {self._register.account}: this call records for no other"
                )
            message = (fact.provider, fact.provider_message_id)
            return (fact.account, fact.event_id, None, None, None, *message, fact.type, at)
        head = self._register.executions.get(fact.execution_id)
        if head is None:
            account, trigger_id = self._register.account, None
        else:
            account, trigger_id = head.account, head.trigger_id
        return (account, fact.event_id, trigger_id, fact.execution_id, fact.job_id, None, None, fact.type, at)

    def _unpark(self) -> None:
        """Stages the parked events that waited for this batch's jobs and message ids, if any are parked."""
        origins = ["job"] if "staged_jobs" in self._staged else []
        if self._named:
            origins.append("message")
        if not origins or not self._session.rows("parked_any"):
            return
        self._changed("staged_events")
        for origin in origins:
            self._session.run(f"unpark_by_{origin}")
            self._session.run(f"unparked_by_{origin}")


def name_currency(session: Session, account: str, currency: str) -> None:
    """Gives an account its currency.

    Raises:
        StoreConflict: another process gave it another one since it was looked up.
    """
    session.run("account_currency_set", account=account, currency=currency)
    if session.rows("account_currencies", accounts=[account]) != [(account, currency)]:
        raise StoreConflict


def apply_attempts(session: Session) -> int:
    """Applies the staged attempts; how many have no job, so that the transaction must not be committed."""
    session.run("attempts_change")
    [(unknown, replacing, tied)] = session.rows("attempts_counts")
    if tied:
        session.run("attempts_settle")
    if replacing:
        session.run("attempts_replaced")
    session.run("attempts_tally")
    session.run("attempts_insert")
    return int(unknown)


def apply_outcomes(session: Session) -> bool:
    """Applies the staged outcomes to their jobs; if some have no job says so: the transaction must not be committed."""
    session.guard("outcomes_record")
    session.run("outcomes_match")
    session.run("outcomes_change")
    [(unknown, tied, arriving, leaving, sent, others, messages, held)] = session.rows("outcomes_counts")
    if unknown:
        return False
    if tied:
        session.run("outcomes_settle")
        session.run("outcomes_settled")
    if arriving or leaving:
        session.guard("samples_lock")
    if arriving:
        session.run("samples_add")
        session.run("samples_trim")
    if held:
        session.run("outcomes_held_tally")
        session.run("outcomes_held")
    session.run("outcomes_tally")
    if arriving or leaving:
        session.run("outcomes_filtered_tally")
    if sent:
        session.run("outcomes_update_sent")
    if others:
        session.run("outcomes_update")
    if messages:
        sort_messages(session)
    if leaving:
        session.run("samples_forget")
        session.run("samples_rebuild")
    return True


def sort_messages(session: Session) -> None:
    """Tells the message ids that jobs show from others that lead to them, among the staged and those shown before."""
    session.run("messages_others")
    session.run("messages_shown")


def apply_events(session: Session) -> tuple[int, int]:
    """Applies the staged events, or parks those without a job; how many changed something, and how many are parked."""
    session.run("events_change")
    [(unknown, replacing, changed, accepted, leaving)] = session.rows("events_counts")
    if unknown:
        session.run("events_park")
    if replacing:
        session.run("events_replaced")
    if changed:
        session.run("events_tally")
        session.run("events_insert")
    if leaving:
        session.guard("opt_out_lock")
        [(again,)] = session.rows("events_opt_out_again")
        session.run("events_opt_out")
        accepted += again
    return accepted, unknown
