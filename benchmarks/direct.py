"""``Library.direct``: does its price depend on the jobs, and how far is it from the least that DuckDB can do?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from random import Random

from benchmarks.data import ACCOUNT
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, times


def run(ground: Ground) -> Iterator[Figure]:
    """Asks over triggers that the library remembers, as polling does, and over those that it has to read."""
    sample, pace = ground.sample, ground.sizes.pace
    others = list(sample.others)
    Random(1).shuffle(others)
    many = cycle(others)
    big, sent, filtered = (send.trigger_id for send in (sample.big, sample.sent, sample.filtered))
    among = f"among {len(others):,} other triggers"
    with ground.library() as library, ground.bare() as bare:

        def select_1() -> object:
            return bare.execute("select 1").fetchall()

        def ask(trigger_id: str) -> Callable[[], object]:
            return partial(library.direct, ACCOUNT, trigger_id)

        for how, remembers in (("remembered", True), ("read", False)):
            library.store.sees_every_write = remembers
            for name, one in (("1 filtered job", filtered), ("1 sent job", sent)):
                yield figure(
                    "direct",
                    f"{sample.big.jobs:,} jobs ÷ {name}, {among}, {how}",
                    times(ask(big), ask(one), pace),
                    wanted="≤ 1.5",
                )
            yield figure(
                "direct",
                f"{sample.big.jobs:,} jobs ÷ bare `select 1`, {how}",
                times(ask(big), select_1, pace),
                wanted="≤ 16",
            )
        for name, subject in (
            ("1 sent job ÷ bare `select 1`, read", ask(sent)),
            ("another trigger each time ÷ bare `select 1`", lambda: library.direct(ACCOUNT, next(many))),
        ):
            yield figure("direct", name, times(subject, select_1, pace), wanted="≤ 16")
