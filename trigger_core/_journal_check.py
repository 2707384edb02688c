"""Whether a journal's facts fit together and into the store, before any of them is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from operator import attrgetter, call, itemgetter
from typing import Any, Final, cast

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

    @contextmanager
    def by_line(self) -> Iterator[None]:
        """Leaves what is found meanwhile in the order of lines."""
        before = len(self.errors)
        yield
        self.errors[before:] = sorted(self.errors[before:], key=attrgetter("row"))


_Head = Trigger | Execution | Cancel

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
        self._heads, self._executions, self._jobs, self._targets, self._messages = (
            [spool.adder((family, share)) for share in range(_SHARES)]
            for family in ("heads", "executions", "jobs", "targets", "messages")
        )
        self._lay_out: dict[type[Fact], Callable[[int, Any], None]] = {
            Trigger: self._lay_out_trigger,
            Execution: self._lay_out_execution,
            Cancel: self._lay_out_head,
            Started: self._lay_out_started,
            Job: self._lay_out_job,
            Attempt: self._lay_out_target,
            Outcome: self._lay_out_outcome,
            Event: lambda _line, _fact: None,
        }
        self._currencies: dict[str, str] = {}
        self._disputed: set[str] = set()

    def add(self, line: int, fact: Fact) -> None:
        """Takes a line's fact."""
        cls = type(fact)
        self._add[cls]((line, _GETTERS[cls](fact)))
        self._lay_out[cls](line, fact)

    def _lay_out_trigger(self, line: int, fact: Trigger) -> None:
        if self._currencies.setdefault(fact.account, fact.currency) != fact.currency:
            self._disputed.add(fact.account)
        self._lay_out_head(line, fact)

    def _lay_out_execution(self, line: int, fact: Execution) -> None:
        self._executions[hash(fact.execution_id) % _SHARES]((fact.execution_id, fact.trigger_id))
        self._lay_out_head(line, fact)

    def _lay_out_head(self, line: int, fact: _Head) -> None:
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
        currencies = self._named_currencies(session)
        contested = self._contested()
        together: list[tuple[int, _Head]] = []
        with problems.by_line():
            for share in range(_SHARES):
                lines = self._share(share)
                if contested:
                    together += [line for line in lines if line[1].trigger_id in contested]
                    lines = [line for line in lines if line[1].trigger_id not in contested]
                self._check_heads(session, lines, currencies, problems)
            self._check_heads(session, sorted(together, key=itemgetter(0)), currencies, problems)
        with problems.by_line():
            self._check_shares(session, problems, ("jobs", "targets"), _check_jobs)
        with problems.by_line():
            self._check_shares(session, problems, ("messages",), _check_messages)

    def _share(self, share: int) -> list[tuple[int, _Head]]:
        """A share of the facts about triggers, by line."""
        return [
            (line, cast(_Head, _unpacked(cls, values)))
            for chunk in self._chunks(("heads", share))
            for line, cls, values in chunk
        ]

    def _named_currencies(self, session: Session) -> dict[str, str]:
        """What accounts pay in that have no trigger yet: what their first says that isn't about another's trigger."""
        first: dict[str, tuple[int, str]] = {}
        for share in range(_SHARES) if self._disputed else ():
            triggers = [(line, fact) for line, fact in self._share(share) if isinstance(fact, Trigger)]
            known = Heads().triggers(session, {fact.trigger_id for _, fact in triggers})
            for line, fact in triggers:
                if known.setdefault(fact.trigger_id, fact) == fact and fact.account in self._disputed:
                    named = (line, fact.currency)
                    first[fact.account] = min(named, first.get(fact.account, named))
        return self._currencies | {account: currency for account, (_, currency) in first.items()}

    def _contested(self) -> set[str]:
        """The triggers of executions that are named under several: they are checked together, line by line."""
        contested: set[str] = set()
        for share in range(_SHARES):
            triggers: dict[str, str] = {}
            for chunk in self._chunks(("executions", share)):
                for execution_id, trigger_id in chunk:
                    if (first := triggers.setdefault(execution_id, trigger_id)) != trigger_id:
                        contested |= {first, trigger_id}
        return contested

    def _check_heads(
        self,
        session: Session,
        lines: Sequence[tuple[int, _Head]],
        currencies: Mapping[str, str],
        problems: Problems,
    ) -> None:
        if not lines:
            return
        errors, _ = Register(session, Heads(), lines, None).check(currencies)
        for error in errors:
            problems.add(error.row, error.field, error.problem)
        brought = {
            fact.execution_id: (fact.account, fact.trigger_id, fact.execution_id)
            for line, fact in lines
            if isinstance(fact, Execution) and line not in problems.lines
        }
        if brought:
            session.append("staged_journal_executions", [*brought.values()])

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
