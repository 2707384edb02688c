"""Moving house: from one store to another, whatever kind they are, into an empty one or one that has a past of its own.

Facts go through the front door: what one store recorded is recorded by the other, so where both know a trigger the
merging rules decide. What is no fact, the keys and the catalog, is taken over where it isn't there, and has to say the
same where it is. What is still to be sent goes over in the end, once: the source sends it no more.

>>> import trigger_core
>>> from trigger_core.catalog import ContactList
>>> with trigger_core.open(":memory:") as source, trigger_core.open(":memory:") as target:
...     stored = source.catalog.put("acme", ContactList(name="everyone", contacts=("ada", "ravi")))
...     copied = copy(source, target)
...     print(target.catalog.list("acme", "everyone").contacts, copied.lists, copied.is_sound)
('ada', 'ravi') 1 True
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from attrs import frozen

from trigger_core import _copy_catalog, _copy_facts, _copy_work
from trigger_core._copying import Conflict
from trigger_core._ids import new_id
from trigger_core._rows import naive
from trigger_core.errors import InvalidInput, InvalidValue
from trigger_core.store import settled

if TYPE_CHECKING:
    from trigger_core._audit import Difference
    from trigger_core.library import Library

__all__ = ["Conflict", "Copied", "CopyRefused", "copy"]

Progress = Callable[[str, int, int | None], object]
"""Told what is being copied, how much of it is done, and how much there is, if known."""

_NAMED: Final = 1000


class CopyRefused(InvalidInput):
    """The stores contradict each other; nothing that is still to be sent went over.

    Attributes:
        conflicts: in what, at most a thousand of them.
    """

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        self.conflicts = tuple(conflicts)
        shown = "; ".join(str(conflict) for conflict in self.conflicts[:3])
        more = f"; and {len(self.conflicts) - 3} more" if len(self.conflicts) > 3 else ""
        super().__init__(f"the stores contradict each other: {shown}{more}")


@frozen
class Copied:
    """What a copy brought, and what the audits found in the end.

    Attributes:
        keys: API keys that are new in the target; so of templates (of one channel), template groups, workflows, lists.
        contacts: how many contacts the source has.
        triggers: how many triggers the source has; so of jobs.
        facts: how many facts the target had to record, those of triggers and executions included.
        unsent: of how many triggers something went over that is still to be sent.
        source: what the audit of the source found.
        target: what the audit of the target found.
    """

    keys: int
    templates: int
    template_groups: int
    workflows: int
    lists: int
    contacts: int
    triggers: int
    jobs: int
    facts: int
    unsent: int
    source: tuple[Difference, ...]
    target: tuple[Difference, ...]

    @property
    def is_sound(self) -> bool:
        """Whether neither audit found anything."""
        return not self.source and not self.target


def copy(source: Library, target: Library, *, progress: Progress | None = None) -> Copied:
    """Brings all that one store has into another, and audits both.

    Both answer meanwhile. The source must have no worker and nothing in hand, and is best not written to: what comes
    in meanwhile may be left there until the next copy, with all that is still to be sent of it. Where it was
    interrupted it is done again: what went over is there, and stays. What is still to be sent is taken out of the
    source as soon as the target has it for good; the source's answers stay what they were.

    Args:
        source: where everything comes from.
        target: where it goes.
        progress: called now and then with what is being copied, how much is done, and how much there is.

    Raises:
        CopyRefused: accounts, keys, the catalog or facts say different things of the same; it names them. Whatever
            can be known before is refused before anything is copied.
        InvalidValue: both are the same store.
        StoreError: a worker has messages in hand on the source.
        StoreUnavailable: some of it went over; do it again.
    """
    report = progress or (lambda _what, _done, _all: None)
    if _is_same(source, target):
        raise InvalidValue("target", "must be another store than the source")
    _copy_work.check(source)
    with source.store.read() as session:
        [(triggers, jobs, _)] = session.rows("copy_totals")
    conflicts = [
        *islice(_copy_catalog.conflicts(source, target, report), _NAMED),
        *islice(_copy_facts.conflicts(source, target, report), _NAMED),
    ][:_NAMED]
    if conflicts:
        raise CopyRefused(conflicts)
    facts = _copy_facts.Facts(source, target, jobs, report)
    try:
        facts.record()
    except _copy_facts.Contradicted as error:
        raise CopyRefused(error.conflicts) from error.__cause__
    new = _copy_catalog.put(source, target)  # after the facts, for what they were planned with
    contacts = _copy_catalog.put_contacts(source, target, report)
    unsent = _copy_work.hand_over(source, target, report)
    report("auditing", 0, None)
    return Copied(
        **new,
        contacts=contacts,
        triggers=triggers,
        jobs=jobs,
        facts=facts.recorded,
        unsent=unsent,
        source=tuple(source.audit()),
        target=tuple(target.audit()),
    )


def _is_same(source: Library, target: Library) -> bool:
    """Whether what is written to one is read from the other: one store has many addresses, and addresses look alike."""
    mark = f"copy {new_id()}"

    def put() -> None:
        with target.store.write() as session:
            session.run("copy_unmark", mark=mark)  # where it is in doubt whether it was put
            session.run("copy_mark", mark=mark, now=naive(target._now()))

    def take_off() -> None:
        with target.store.write() as session:
            session.run("copy_unmark", mark=mark)

    settled(put)
    try:
        with source.store.read() as session:
            [(marks,)] = session.rows("copy_marked", mark=mark)
    finally:
        settled(take_off)
    return bool(marks)
