"""``Library.audit``: everything derived again, beside reading everything once."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, times

TABLES = (
    "triggers",
    "executions",
    "jobs",
    "attempts",
    "events",
    "message_ids",
    "other_messages",
    "samples",
    "tally",
)


def run(ground: Ground) -> Iterator[Figure]:
    """Audits the whole store."""
    with ground.library() as library, ground.bare_copy() as bare:

        def audit() -> None:
            assert not list(library.audit())

        def read() -> None:
            for table in TABLES:
                bare.execute(f"select bit_xor(hash(whole)) from {table} as whole").fetchall()

        yield figure(
            "audit",
            f"a store of {ground.sample.big.jobs:,} jobs in one send ÷ hashing every row once",
            times(audit, read, ground.sizes.slow),
        )
