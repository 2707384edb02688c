"""``Library.export``: a trigger as facts, beside fetching its rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from benchmarks.data import ACCOUNT
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, times


def run(ground: Ground) -> Iterator[Figure]:
    """Exports a send of a moderate number of jobs."""
    middle = ground.sample.middle
    with ground.library() as library, ground.bare_copy() as bare:

        def export() -> None:
            deque(library.export(ACCOUNT, middle.trigger_id), maxlen=0)

        def fetch() -> None:
            for table in ("jobs", "attempts", "events"):
                bare.execute(f"select * from {table} where trigger_id = ?", [middle.trigger_id]).fetchall()

        ratios = times(export, fetch, ground.sizes.slow)
        yield figure("export", f"{middle.jobs:,} jobs and their facts ÷ bare fetchall of their rows", ratios)
