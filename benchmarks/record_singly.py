"""``Library.record`` with one fact a call, beside single rows that DuckDB commits one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from itertools import islice
from random import Random
from threading import Barrier
from time import perf_counter
from typing import Final

import duckdb

from benchmarks import data, record
from benchmarks.data import ACCOUNT, PROVIDER, Sample
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, ratio, seconds
from trigger_core import Library
from trigger_core.facts import Event, Fact

THREADS: Final = 64


def run(ground: Ground) -> Iterator[Figure]:
    """Records events and outcomes, each of another job, from one thread and from many."""
    pending, singles = ground.sample.pending, ground.sizes.singles
    in_order = range(1, pending.jobs + 1)
    at_random = Random(1).sample(in_order, pending.jobs)
    events = (record.event(number, pending.execution_id) for number in at_random)
    outcomes = (record.outcome(number, pending.execution_id) for number in at_random)
    outcomes_in_order = (record.outcome(number, pending.execution_id) for number in in_order)
    cases: tuple[tuple[str, Iterator[Fact]], ...] = (
        ("events", events),
        ("events by message id", _events_by_message(ground.sample)),
        ("outcomes", outcomes),
        ("outcomes in the jobs' order", outcomes_in_order),
    )
    for name, facts in cases:
        with ground.library() as library, ground.bare() as bare:
            bare_table(bare)
            for threads, wanted in ((1, "≥ 0.25"), (THREADS, "≥ 5")):
                each = max(1, singles // 5) if threads > 1 else singles
                speeds = []
                for number in range(-1, max(1, ground.sizes.pace.rounds // 4)):
                    works = [tuple(islice(facts, each)) for _ in range(threads)]
                    assert len(works[-1]) == each, "there are too few jobs"
                    turns = partial(_record, library, works), partial(commits, bare, singles)
                    speed = 1 / ratio(number, *turns)
                    if number >= 0:
                        speeds.append(speed)
                who = f"{threads} threads" if threads > 1 else "one thread"
                yield figure(
                    "record_singly",
                    f"{name} from {who}: facts/s ÷ bare single-row commits/s of one thread",
                    speeds,
                    better="higher",
                    wanted=wanted if name == "events" else "",
                )


def _events_by_message(sample: Sample) -> Iterator[Fact]:
    """Messages of the big send that were read, in no order."""
    with data.bare(sample.path) as connection:
        ids = connection.execute(
            "select provider_message_id from jobs where trigger_id = ? and sent_at is not null"
            " order by hash(provider_message_id) limit 50000",
            [sample.big.trigger_id],
        ).fetchall()
    for number, (message_id,) in enumerate(ids):
        yield Event(
            event_id=f"r{number}",
            type="read",
            at=record.START,
            account=ACCOUNT,
            provider=PROVIDER,
            provider_message_id=message_id,
        )


def _record(library: Library, works: Sequence[Sequence[Fact]]) -> float:
    """Seconds for each fact, from when all threads are ready until the last is done."""
    ready = Barrier(len(works) + 1)

    def work(facts: Sequence[Fact]) -> None:
        ready.wait()
        for fact in facts:
            library.record([fact])

    with ThreadPoolExecutor(len(works)) as threads:
        done = [threads.submit(work, facts) for facts in works]
        ready.wait()
        begin = perf_counter()
        for one in done:
            one.result()
        return (perf_counter() - begin) / sum(map(len, works))


def bare_table(bare: duckdb.DuckDBPyConnection) -> None:
    """Makes the table that ``commits`` writes to."""
    bare.execute(
        "create table bare (account varchar, trigger_id uuid, execution_id uuid, job_id integer,"
        " type varchar, occurred_at timestamp)"
    )


def commits(bare: duckdb.DuckDBPyConnection, rows: int) -> float:
    """Seconds for each of some rows, committed one by one."""
    one = "019ab000-0000-7000-8000-000000000001"
    values = [ACCOUNT, one, one, 1, "delivered", datetime(2025, 3, 20)]  # noqa: DTZ001  as it is stored
    insert = partial(bare.execute, "insert into bare values (?, ?, ?, ?, ?, ?)", values)
    return seconds(insert, rows) / rows
