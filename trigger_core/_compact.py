"""Folding of what grows with every write."""

from __future__ import annotations

from typing import Final

from trigger_core.store import Session

STATEMENTS: Final = ("compact_tally", "compact_samples")


def compact(session: Session) -> None:
    """Leaves one ledger row per trigger, execution, measure and detail, a hundred samples per filter reason.

    No answer changes, and no trigger's version. Run it in a write transaction.
    """
    session.use_all_cores()
    for statement in STATEMENTS:
        if statement == "compact_samples":  # no sooner: who changes what is filtered waits for it
            session.guard("samples_lock_all")
        session.run(statement)


def fold(session: Session, account: str, trigger_id: str) -> None:
    """Leaves one trigger one ledger row per execution, measure and detail. Run it in a write transaction."""
    session.run("fold", account=account, trigger_id=trigger_id)
