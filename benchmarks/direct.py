"""``Library.direct``: does its price depend on the jobs, and how far is it from the least that the engine can do?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from random import Random

from benchmarks.data import ACCOUNT, Sample
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, times


def run(ground: Ground) -> Iterator[Figure]:
    """Asks in a store of moderate size, and in one of very many triggers and jobs."""
    yield from _asked(ground, ground.sample, "≤ 1.5", "≤ 16")
    yield from _asked(ground, ground.huge, "≤ 1.3", "≤ 8")


def _asked(ground: Ground, sample: Sample, flat: str, near: str) -> Iterator[Figure]:
    """Asks over triggers that the library remembers, as polling does, and over those that it has to read."""
    pace = ground.sizes.pace
    others = list(sample.others)
    Random(1).shuffle(others)
    many = cycle(others)
    among = f"among {len(others):,} other triggers"
    big, filtered, sent = (send.trigger_id for send in (sample.big, sample.filtered, sample.sent))
    with ground.library(sample) as library, ground.bare() as bare:

        def select_1() -> object:
            return bare.execute("select 1").fetchall()

        def ask(trigger_id: str) -> Callable[[], object]:
            return partial(library.direct, ACCOUNT, trigger_id)

        for how, remembers in (("remembered", True), ("read", False)):
            library.store.sees_every_write = remembers
            for name, subject, floor, wanted in (
                (f"{sample.big.jobs:,} jobs ÷ 1 filtered job", ask(big), ask(filtered), flat),
                (f"{sample.big.jobs:,} jobs ÷ 1 sent job", ask(big), ask(sent), flat),
                (f"{sample.big.jobs:,} jobs ÷ bare `select 1`", ask(big), select_1, near),
            ):
                yield figure("direct", f"{name}, {among}, {how}", times(subject, floor, pace), wanted=wanted)
        name = f"another trigger each time ÷ bare `select 1`, {among}"
        ratios = times(lambda: library.direct(ACCOUNT, next(many)), select_1, pace)
        yield figure("direct", name, ratios, wanted=near)
