"""Two things held against each other in one run: how they are timed, and what a figure says.

A time alone says little: machines differ, and one machine differs from minute to minute. So each thing is timed in
turns with a floor, something bare that does the least that the same work needs, and the ratio of each turn counts.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from operator import ge, le, lt
from statistics import median, quantiles
from time import perf_counter
from typing import Final, Literal

from attrs import frozen

Better = Literal["lower", "higher"]

COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {"≤": le, "<": lt, "≥": ge}


@frozen
class Figure:
    """What was reached.

    Attributes:
        benchmark: the module that took it.
        name: what was held against what.
        unit: what it is counted in; nothing for a ratio.
        better: which way is better.
        wanted: the bound it should keep, if there is one, as in "≤ 1.5" or "< 1 GB".
        median: the middle of the rounds.
        low: a tenth of the rounds is below this.
        high: a tenth of the rounds is above this.
        rounds: how many there were.
    """

    benchmark: str
    name: str
    unit: str
    better: Better
    wanted: str
    median: float
    low: float
    high: float
    rounds: int

    @property
    def is_held(self) -> bool | None:
        """Whether the median keeps the bound; None where there is none."""
        if not self.wanted:
            return None
        sign, bound = self.wanted.split()[:2]
        return COMPARE[sign](self.median, float(bound.replace(",", "")))


@frozen
class Pace:
    """How much is measured.

    Attributes:
        rounds: how often each of two things has its turn.
        turn: how many seconds a turn should take at least, many times what the clock can tell; 0 for one call.
    """

    rounds: int
    turn: float


def figure(
    benchmark: str,
    name: str,
    values: Iterable[float],
    *,
    better: Better = "lower",
    wanted: str = "",
    unit: str = "",
) -> Figure:
    """The figure that some rounds' values give."""
    found = list(values)
    tenths = quantiles(found, n=10, method="inclusive") if len(found) > 1 else found
    return Figure(
        benchmark, name, unit, better, wanted, median(found), tenths[0], tenths[-1], rounds=len(found)
    )


def times(subject: Callable[[], object], floor: Callable[[], object], pace: Pace) -> list[float]:
    """How many times longer a call of the subject takes than one of the floor, by round."""
    calls = _calls(subject, pace.turn), _calls(floor, pace.turn)
    gc.collect()
    return [
        ratio(
            number,
            lambda: seconds(subject, calls[0]) / calls[0],
            lambda: seconds(floor, calls[1]) / calls[1],
        )
        for number in range(pace.rounds)
    ]


def ratio(number: int, subject: Callable[[], float], floor: Callable[[], float]) -> float:
    """How much more one takes than the other, both saying themselves; each goes first in every other round."""
    if number % 2:
        least = floor()
        return subject() / least
    took = subject()
    return took / floor()


def seconds(work: Callable[[], object], calls: int = 1) -> float:
    """How long some calls take together."""
    begin = perf_counter()
    for _ in range(calls):
        work()
    return perf_counter() - begin


def _calls(work: Callable[[], object], turn: float) -> int:
    """How many calls take as long as a turn; to find out is the warm-up."""
    work()
    calls = 1
    while turn and (took := seconds(work, calls)) < turn:
        calls = max(2 * calls, int(calls * turn / took))
    return calls
