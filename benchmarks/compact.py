"""``Library.compact``: the ledger folded, beside writing a sorted copy of it."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, times


def run(ground: Ground) -> Iterator[Figure]:
    """Compacts the whole store, again and again: what was folded already takes the same way."""
    with ground.library() as library, ground.bare_copy() as bare:

        def copy() -> None:
            bare.execute(
                "create or replace table copied as"
                " select * from tally order by trigger_id, execution_id, measure, detail"
            )
            bare.execute("checkpoint")

        yield figure(
            "compact",
            f"the ledger of {len(ground.sample.others):,} triggers ÷ a sorted copy of it",
            times(library.compact, copy, ground.sizes.slow),
        )
