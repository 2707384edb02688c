"""``Library.record`` with delivery events of jobs at random among very many, beside DuckDB's Appender."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from random import Random

from benchmarks.data import Sample
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, ratio, seconds
from benchmarks.record import KINDS, START, append
from trigger_core.facts import Event

_KIND = next(kind for kind in KINDS if kind.name == "events")


def run(ground: Ground) -> Iterator[Figure]:
    """Records batches of one type, then of several; each tells something new of nearly every job."""
    sizes, huge = ground.sizes, ground.huge
    rounds = max(2, sizes.pace.rounds // 3)
    cases = (
        (("delivered",), "≥ 0.17"),
        (("delivered", "opened", "clicked", "failed"), "≥ 0.1"),
    )
    with ground.library(huge) as library, ground.bare() as bare:
        bare.execute(f"create table events ({_KIND.columns})")
        for types, wanted in cases:
            speeds = []
            for number in range(-1, rounds):
                facts = _events(huge, types, sizes.at_random, Random(number))
                rows = [_KIND.row(fact) for fact in facts]
                record = partial(seconds, partial(library.record, facts))
                speed = 1 / ratio(number, record, partial(seconds, partial(append, bare, "events", rows)))
                if number >= 0:
                    speeds.append(speed)
            yield figure(
                "record_events",
                f"of jobs at random of {huge.pending.jobs:,}, {sizes.at_random:,} a call ({', '.join(types)}):"
                " facts/s ÷ rows/s of a bare Appender",
                speeds,
                better="higher",
                wanted=wanted,
            )


def _events(sample: Sample, types: Sequence[str], count: int, dice: Random) -> list[Event]:
    pending = sample.pending
    return [
        Event(
            event_id=f"{dice.getrandbits(64):x}",
            type=types[n % len(types)],
            at=START + timedelta(milliseconds=n),
            execution_id=pending.execution_id,
            job_id=dice.randint(1, pending.jobs),
        )
        for n in range(count)
    ]
