"""``Library.direct``: does its price depend on the jobs, and how far is it from the least that DuckDB can do?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import cycle
from random import Random

from benchmarks.data import ACCOUNT
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, times


def run(ground: Ground) -> Iterator[Figure]:
    """Asks over one trigger again and again, and over ever other ones, whose heads the library doesn't remember."""
    sample, pace = ground.sample, ground.sizes.pace
    others = list(sample.others)
    Random(1).shuffle(others)
    many = cycle(others)
    big, sent, filtered = (send.trigger_id for send in (sample.big, sample.sent, sample.filtered))
    with ground.library() as library, ground.bare() as bare:

        def select_1() -> object:
            return bare.execute("select 1").fetchall()

        for name, one in (("1 filtered job", filtered), ("1 sent job", sent)):
            yield figure(
                "direct",
                f"{sample.big.jobs:,} jobs ÷ {name}, among {len(others):,} other triggers",
                times(partial(library.direct, ACCOUNT, big), partial(library.direct, ACCOUNT, one), pace),
                wanted="≤ 1.5",
            )
        for name, ask in (
            (f"the trigger of {sample.big.jobs:,} jobs", partial(library.direct, ACCOUNT, big)),
            ("a trigger of 1 sent job", partial(library.direct, ACCOUNT, sent)),
            ("another trigger each time", lambda: library.direct(ACCOUNT, next(many))),
        ):
            yield figure("direct", f"{name} ÷ bare `select 1`", times(ask, select_1, pace), wanted="≤ 16")
