"""What a call's facts say of triggers and executions, held against each other and against what is recorded.

That is little, and what is recorded of it never changes, so it is compared here; what is said of jobs is compared by
the statements of ``trigger_sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from trigger_core._derive import places
from trigger_core._heads import ExecutionHead, Heads
from trigger_core._rows import naive
from trigger_core.errors import FactError, FactsRefused
from trigger_core.facts import Attempt, Cancel, Event, Execution, Fact, Job, Outcome, Started, Trigger
from trigger_core.store import Session

Line = tuple[int, Fact]

NO_TRIGGER: Final = "no trigger of this id is recorded: record it first, or in the same call"
NO_EXECUTION: Final = "no execution of this id is recorded: record it first, or in the same call"
NO_JOB: Final = "no job of this id is recorded: record it first, or in the same call"
OTHER_JOB: Final = "differs from what is recorded of this job, which can't change"
OTHER_MESSAGE: Final = "leads to another job already; a message is sent for one job"


class Lines:
    """Facts of one kind with their places in the call.

    They are paired only as they are asked for: a hundred thousand pairs would have the garbage collector look at all
    there is.
    """

    def __init__(self, lines: Iterable[tuple[int, Any]] = ()) -> None:
        self.numbers: list[int] = []
        self.facts: list[Any] = []
        for number, fact in lines:
            self.numbers.append(number)
            self.facts.append(fact)

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        return zip(self.numbers, self.facts, strict=True)

    def __len__(self) -> int:
        return len(self.facts)


class Register:
    """A call's facts by kind, the triggers and executions that they name, and what is wrong with them.

    Args:
        session: the transaction to look things up in.
        known: what was known before.
        lines: the facts with their places in the call.
        account: whose facts these must be; anybody's where it is None.

    Attributes:
        lines: the facts with their places, by class.
        triggers: the triggers that are recorded or may be, by id.
        executions: the same of executions.
        currencies: what is recorded of the accounts of new triggers.
    """

    def __init__(self, session: Session, known: Heads, lines: Iterable[Line], account: str | None) -> None:
        self._session = session
        self._known = known
        self._new: dict[str, Trigger] = {}
        self._errors: list[FactError] = []
        self.account = account
        self.lines: dict[type[Fact], Lines] = {}
        for line, fact in lines:
            found = self.lines.get(type(fact))
            if found is None:
                found = self.lines[type(fact)] = Lines()
            found.numbers.append(line)
            found.facts.append(fact)
        self.currencies: dict[str, str | None] = {}
        self.triggers: dict[str, Trigger] = {}
        self.executions: dict[str, ExecutionHead] = {}
        self._resolve()

    def check(self, currencies: Mapping[str, str]) -> tuple[list[FactError], dict[str, ExecutionHead]]:
        """Checks triggers, executions and cancels.

        Args:
            currencies: what accounts pay in, where no trigger of theirs is recorded yet.

        Returns:
            What is wrong, and every execution that is right, by id.
        """
        self.new_triggers(currencies)
        self.new_executions()
        self.cancels()
        return self._errors, self.executions

    def refuse(self, line: int, field: str, problem: str) -> None:
        """Notes what is wrong with a fact."""
        self._errors.append(FactError(line, field, problem))

    def raise_refused(self) -> None:
        """Raises what is wrong, if anything is.

        Raises:
            FactsRefused: with all that was noted.
        """
        if self._errors:
            raise FactsRefused(self._errors)

    @property
    def refused(self) -> bool:
        """Whether anything is wrong so far."""
        return bool(self._errors)

    def _resolve(self) -> None:
        """Finds the recorded triggers and executions that the facts name."""
        trigger_ids = {
            fact.trigger_id for kind in (Trigger, Execution, Cancel) for _, fact in self.lines.get(kind, ())
        }
        execution_ids = {
            fact.execution_id
            for kind in (Execution, Started, Job, Attempt, Outcome, Event)
            for _, fact in self.lines.get(kind, ())
        }
        execution_ids.discard(None)
        if trigger_ids:
            self.triggers = self._known.triggers(self._session, trigger_ids)
        if execution_ids:
            self.executions = self._known.executions(self._session, execution_ids)

    def new_triggers(self, currencies: Mapping[str, str]) -> dict[str, Trigger]:
        """The triggers that are not recorded yet; those that may not be are refused and count as unknown."""
        lines, new = self.lines.get(Trigger, ()), self._new
        if accounts := sorted({fact.account for _, fact in lines if fact.trigger_id not in self.triggers}):
            self.currencies = dict(self._session.rows("account_currencies", accounts=accounts))
        recorded = {account: code for account, code in self.currencies.items() if code is not None}
        paid_in = {**currencies, **recorded}
        for line, fact in lines:
            known = self.triggers.get(fact.trigger_id)
            if self.account not in (None, fact.account):
                self.refuse(line, "account", f"must be {self.account}: this call records for no other")
            elif known is None:
                if fact.currency == (currency := paid_in.setdefault(fact.account, fact.currency)):
                    self.triggers[fact.trigger_id] = new[fact.trigger_id] = fact
                else:
                    self.refuse(line, "currency", f"must be {currency}, the currency of this account")
            elif known != fact:
                field = next(
                    field.name
                    for field in attrs.fields(Trigger)
                    if getattr(known, field.name) != getattr(fact, field.name)
                )
                if known.account != fact.account:
                    self.refuse(line, "trigger_id", "is taken: make another UUID")
                else:
                    self.refuse(
                        line, field, "differs from what is recorded of this trigger, which can't change"
                    )
        return new

    def new_executions(self) -> list[tuple[Execution, ExecutionHead]]:
        """The executions that are not recorded yet; those that may not be are refused."""
        lines = self.lines.get(Execution, ())
        asked = {fact.trigger_id for _, fact in lines if fact.execution_id not in self.executions}
        recorded = asked - self._new.keys()
        taken = {
            (head.trigger_id, head.place): head.execution_id
            for head in [*self.executions.values(), *self._known.executions_of(self._session, recorded)]
        }
        new = []
        for line, fact in lines:
            trigger = self.triggers.get(fact.trigger_id)
            if self.account not in (None, fact.account):
                self.refuse(line, "account", f"must be {self.account}: this call records for no other")
                continue
            if trigger is None or fact.account != trigger.account:
                self.refuse(line, "trigger_id", NO_TRIGGER)
                continue
            if wrong := _misplaced(fact, trigger):
                self.refuse(line, *wrong)
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
            known = self.executions.get(fact.execution_id)
            if known is None:
                if (
                    owner := taken.setdefault((fact.trigger_id, place), fact.execution_id)
                ) != fact.execution_id:
                    self.refuse(
                        line, "execution_id", f"the trigger's execution for {place} is {owner} already"
                    )
                    continue
                self.executions[fact.execution_id] = head
                new.append((fact, head))
            elif known != head:
                field = "trigger_id" if known.trigger_id != head.trigger_id else "channel"
                if field == "channel" and known.channel == head.channel:
                    field = "step_id"
                self.refuse(
                    line, field, "differs from what is recorded of this execution, which can't change"
                )
        return new

    def head(self, line: int, execution_id: str) -> ExecutionHead | None:
        """The head of a named execution; None, and an error, where the fact may not name it."""
        head = self.executions.get(execution_id)
        if head is None or self.account not in (None, head.account):
            self.refuse(line, "execution_id", NO_EXECUTION)
            return None
        return head

    def started_and_expected(self) -> dict[str, tuple[int, int | None, datetime | None]]:
        """The line, the largest expected_jobs and the earliest start of each execution that has any."""
        merged: dict[str, tuple[int, int | None, datetime | None]] = {}
        for line, fact in [*self.lines.get(Execution, ()), *self.lines.get(Started, ())]:
            key = fact.execution_id
            _, expected, started = merged.get(key, (line, None, None))
            if isinstance(fact, Started):
                if self.head(line, key) is None:
                    continue
                at = naive(fact.at)
                started = at if started is None else min(started, at)
            elif fact.expected_jobs is not None:
                expected = fact.expected_jobs if expected is None else max(expected, fact.expected_jobs)
            if expected is not None or started is not None:
                merged[key] = (line, expected, started)
        self.raise_refused()
        return merged

    def cancels(self) -> dict[str, datetime]:
        """The earliest cancel of each trigger that has any."""
        merged: dict[str, datetime] = {}
        for line, fact in self.lines.get(Cancel, ()):
            trigger = self.triggers.get(fact.trigger_id)
            if trigger is None or self.account not in (None, trigger.account):
                self.refuse(line, "trigger_id", NO_TRIGGER)
            else:
                at = naive(fact.at)
                merged[fact.trigger_id] = min(at, merged.get(fact.trigger_id, at))
        return merged


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
