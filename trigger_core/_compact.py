"""Folding of what grows with every write."""

from __future__ import annotations

from typing import Final

from trigger_core.store import Session

STATEMENTS: Final = (
    "compact_tally_fold",
    "compact_tally_empty",
    "compact_tally_refill",
    "compact_samples_trim",
    "compact_samples_empty",
    "compact_samples_refill",
)
"""In this order: what stays is laid aside, then the table is emptied and filled again, sorted."""


def compact(session: Session) -> None:
    """Leaves one ledger row per trigger, execution, measure and detail, a hundred samples per filter reason.

    No answer changes, and no trigger's version. Run it in a write transaction.
    """
    for statement in STATEMENTS:
        session.run(statement)
    session.clear("folded_tally", "trimmed_samples")


def fold(session: Session, account: str, trigger_id: str) -> None:
    """Leaves one trigger one ledger row per execution, measure and detail. Run it in a write transaction."""
    session.run("fold_lay_aside", account=account, trigger_id=trigger_id)
    session.run("fold_empty", account=account, trigger_id=trigger_id)
    session.run("compact_tally_refill")
    session.clear("folded_tally")
