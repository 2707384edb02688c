"""Whether a journal's facts fit together and into the store, before any of them is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from operator import attrgetter, call
from typing import Any, Final

import attrs

from trigger_core._heads import Heads
from trigger_core._register import NO_EXECUTION, NO_JOB, NO_TRIGGER, OTHER_JOB, OTHER_MESSAGE, Register
from trigger_core._spool import Marks, Spool
from trigger_core.errors import FactError
from trigger_core.facts import KINDS, Attempt, Cancel, Event, Execution, Fact, Job, Outcome, Started, Trigger
from trigger_core.store import Session

_KEPT: Final = 100_000
_SHARES: Final = 16
"""Into how many parts the facts about triggers, about jobs, and about messages are laid; a part is checked at once."""

_AT_ONCE: Final = 250_000

_HERE: Final = {
    NO_TRIGGER: "no trigger of this id is recorded, and no valid line brings it",
    NO_EXECUTION: "no execution of this id is recorded, and no valid line brings it",
    NO_JOB: "no job of this id is recorded, and no valid line brings it",
}


class Problems:
    """What is wrong with which lines: all are marked and counted, the first 100,000 found are described."""

    def __init__(self) -> None:
        self.lines = Marks()
        self.errors: list[FactError] = []

    def add(self, line: int, field: str, problem: str) -> None:
        """Notes that a line is bad, once."""
        if self.lines.add(line) and len(self.errors) < _KEPT:
            self.errors.append(FactError(line, field, _HERE.get(problem, problem)))


_MEMBERS: Final = {cls: tuple(member.name for member in attrs.fields(cls)) for cls in KINDS.values()}
_GETTERS: Final = {cls: attrgetter(*names) for cls, names in _MEMBERS.items()}
_SETTERS: Final = {cls: [getattr(cls, name).__set__ for name in names] for cls, names in _MEMBERS.items()}


def _unpacked(cls: type[Fact], values: Iterable[Any]) -> Fact:
    """The fact of these values, which were checked when it was first made and aren't again."""
    fact = object.__new__(cls)
    any(map(call, _SETTERS[cls], repeat(fact), values))
    return fact


class Lines:
    """A journal's facts by line, as they come, in a spool; and what they name, laid out to be checked."""

    def __init__(self, spool: Spool) -> None:
        self._chunks = spool.chunks
        self._add = {cls: spool.adder(cls.kind) for cls in KINDS.values()}
        self._heads, self._jobs, self._targets, self._messages = (
            [spool.adder((family, share)) for share in range(_SHARES)]
            for family in ("heads", "jobs", "targets", "messages")
        )
        self._lay_out: dict[type[Fact], Callable[[int, Any], None]] = {
            Trigger: self._lay_out_trigger,
            Execution: self._lay_out_head,
            Cancel: self._lay_out_head,
            Started: self._lay_out_started,
            Job: self._lay_out_job,
            Attempt: self._lay_out_target,
            Outcome: self._lay_out_outcome,
            Event: lambda _line, _fact: None,
        }
        self.currencies: dict[str, str] = {}

    def add(self, line: int, fact: Fact) -> None:
        """Takes a line's fact."""
        cls = type(fact)
        self._add[cls]((line, _GETTERS[cls](fact)))
        self._lay_out[cls](line, fact)

    def _lay_out_trigger(self, line: int, fact: Trigger) -> None:
        self.currencies.setdefault(fact.account, fact.currency)
        self._lay_out_head(line, fact)

    def _lay_out_head(self, line: int, fact: Trigger | Execution | Cancel) -> None:
        cls = type(fact)
        self._heads[hash(fact.trigger_id) % _SHARES]((line, cls, _GETTERS[cls](fact)))

    def _lay_out_started(self, line: int, fact: Started) -> None:
        self._targets[hash(fact.execution_id) % _SHARES]((line, fact.execution_id, None))

    def _lay_out_job(self, line: int, fact: Job) -> None:
        share = hash((fact.execution_id, fact.job_id)) % _SHARES
        self._jobs[share]((line, fact.execution_id, fact.job_id, fact.contact, fact.address))

    def _lay_out_target(self, line: int, fact: Attempt | Outcome) -> None:
        target = (fact.execution_id, fact.job_id)
        self._targets[hash(target) % _SHARES]((line, *target))

    def _lay_out_outcome(self, line: int, fact: Outcome) -> None:
        self._lay_out_target(line, fact)
        if fact.provider_message_id is not None:
            message = (fact.provider, fact.provider_message_id)
            self._messages[hash(message) % _SHARES]((line, fact.execution_id, fact.job_id, *message))

    def facts(self, bad: Marks) -> Iterable[tuple[int, Fact]]:
        """The good lines' facts in the order of their dependence."""
        for cls in KINDS.values():
            for chunk in self._chunks(cls.kind):
                yield from ((line, _unpacked(cls, values)) for line, values in chunk if line not in bad)

    def check(self, session: Session, problems: Problems) -> None:
        """Finds the facts that contradict each other or the store, or that are about what nobody brings."""
        for share in range(_SHARES):
            self._check_heads(session, share, problems)
        for line, *_ in session.rows("journal_executions_again"):
            problems.add(line, "trigger_id", "differs from what an earlier line says of this execution")
        session.run("journal_executions_first")
        self._check_shares(session, problems, ("jobs", "targets"), _check_jobs)
        self._check_shares(session, problems, ("messages",), _check_messages)

    def _check_heads(self, session: Session, share: int, problems: Problems) -> None:
        lines = [
            (line, _unpacked(cls, values))
            for chunk in self._chunks(("heads", share))
            for line, cls, values in chunk
        ]
        if not lines:
            return
        errors, known = Register(session, Heads(), lines, None).check(self.currencies)
        for error in errors:
            problems.add(error.row, error.field, error.problem)
        brought: dict[str, int] = {}
        for line, fact in lines:
            if isinstance(fact, Execution) and line not in problems.lines:
                brought.setdefault(fact.execution_id, line)
        if brought:
            session.append(
                "staged_journal_executions",
                [(line, known[key].account, known[key].trigger_id, key) for key, line in brought.items()],
            )

    def _check_shares(
        self, session: Session, problems: Problems, families: tuple[str, ...], check: Any
    ) -> None:
        """Lays out and checks as many shares at once as are no more than a bounded number of rows, at least one."""
        laid = 0
        tables = {family: f"staged_journal_{family}" for family in families}
        for share in range(_SHARES):
            for family, table in tables.items():
                for chunk in self._chunks((family, share)):
                    if rows := [row for row in chunk if row[0] not in problems.lines]:
                        session.append(table, rows)
                        laid += len(rows)
            if laid > _AT_ONCE or (laid and share == _SHARES - 1):
                check(session, problems)
                session.clear(*tables.values())
                laid = 0


def _check_jobs(session: Session, problems: Problems) -> None:
    session.run("journal_executions_recorded")
    for (line,) in session.rows("journal_executions_unknown"):
        problems.add(line, "execution_id", NO_EXECUTION)
    for line, field in session.rows("journal_job_conflicts"):
        problems.add(line, field, OTHER_JOB)
    for (line,) in session.rows("journal_jobs_unknown"):
        problems.add(line, "job_id", NO_JOB)


def _check_messages(session: Session, problems: Problems) -> None:
    for (line,) in session.rows("journal_message_conflicts"):
        problems.add(line, "provider_message_id", OTHER_MESSAGE)
