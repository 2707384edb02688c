"""``Library.snapshot``: a consistent copy of a store in use, beside copying a file that nobody uses."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, times


def run(ground: Ground) -> Iterator[Figure]:
    """Copies the whole store."""
    source, target = ground.sample.path, ground.path("snapshot.duckdb")
    with ground.library() as library:

        def snapshot() -> None:
            library.snapshot(target)
            target.unlink()

        def copy() -> None:
            shutil.copyfile(source, target)
            with target.open("rb+") as file:
                os.fsync(file.fileno())
            target.unlink()

        yield figure(
            "snapshot",
            f"a store of {ground.sample.big.jobs:,} jobs in one send ÷ a durable copy of its file",
            times(snapshot, copy, ground.sizes.slow),
        )
