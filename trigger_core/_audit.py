"""Re-derivation of everything that is kept beside the rows it follows from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from attrs import frozen

from trigger_core.store import Session

QUERIES: Final = (
    "audit_orphans",
    "audit_repeats",
    "audit_jobs",
    "audit_contacts",
    "audit_samples",
    "audit_first_contacts",
    "audit_messages",
    "audit_parked",
)
"""Each answers what a ``Difference`` has, in order; ``audit_ledger`` names its subject in three columns."""


@frozen
class Difference:
    """Something recorded that is not what follows from the rows.

    Attributes:
        account: the tenant, where one is named.
        trigger_id: the trigger, where one is named.
        execution_id: the execution, where it is of one.
        subject: what differs.
        recorded: what is kept; None where it is missing.
        derived: what follows; None where nothing does.
    """

    account: str | None
    trigger_id: str | None
    execution_id: str | None
    subject: str
    recorded: str | None
    derived: str | None

    def __str__(self) -> str:
        """The difference in a line.

        >>> print(Difference("acme", "019ab000-0000-7000-8000-000000000001", None, "contacts n", "3", None))
        acme, trigger 019ab000-0000-7000-8000-000000000001: contacts n is 3, derived nothing
        """
        named = (("", self.account), ("trigger ", self.trigger_id), ("execution ", self.execution_id))
        place = ", ".join(f"{kind}{name}" for kind, name in named if name is not None)
        recorded = "nothing" if self.recorded is None else self.recorded
        derived = "nothing" if self.derived is None else self.derived
        return f"{place}: {self.subject} is {recorded}, derived {derived}"


def audit(session: Session) -> Iterator[Difference]:
    """Every difference between what is kept and what follows from the rows; nothing if all is well."""
    session.use_all_cores()
    for *place, measure, detail, figure, recorded, derived in session.rows("audit_ledger"):
        subject = " ".join(part for part in ("ledger", measure, detail and repr(detail), figure) if part)
        yield _difference(*place, subject, recorded, derived)
    for query in QUERIES:
        for row in session.rows(query):
            yield _difference(*row)


def _difference(account: Any, trigger_id: Any, execution_id: Any, *rest: Any) -> Difference:
    return Difference(account, trigger_id and str(trigger_id), execution_id and str(execution_id), *rest)
