"""The same library on PostgreSQL: answers, outcomes in bulk and plans, each beside the least that PostgreSQL can do."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import cycle
from random import Random
from typing import Final

import psycopg

import trigger_core
from benchmarks import data, record
from benchmarks.data import ACCOUNT, PROVIDER
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, ratio, seconds, times
from benchmarks.plan import filled, put
from trigger_core.facts import Outcome
from trigger_core.sending import Send

_COUNT: Final = """
select count(*), count(sent_at), count(failed_at), count(filtered_at), sum(segments), sum(cost), max(last_outcome_at)
from jobs where trigger_id = %s
"""
_STAGED: Final = """
create temp table staged (
    execution_id uuid, job_id integer, sent_at timestamp, failed_at timestamp, filtered_at timestamp, code text,
    message text, provider text, provider_message_id text, segments integer, cost numeric(18, 6)
)
"""
_UPDATE: Final = """
update bare set
    sent_at = staged.sent_at, failed_at = staged.failed_at, filtered_at = staged.filtered_at,
    last_outcome_at = coalesce(staged.sent_at, staged.failed_at, staged.filtered_at), code = staged.code,
    message = staged.message, provider = staged.provider, provider_message_id = staged.provider_message_id,
    segments = staged.segments, cost = staged.cost
from staged
where bare.trigger_id = %s and bare.execution_id = staged.execution_id and bare.job_id = staged.job_id
"""


def run(ground: Ground) -> Iterator[Figure]:
    """Answers, outcomes, plans."""
    yield from _direct(ground)
    yield from _outcomes(ground)
    yield from _plan(ground)


def _direct(ground: Ground) -> Iterator[Figure]:
    """Asks where all is there, and among very many triggers, whose jobs were left out: no answer looks at them."""
    sample, huge, pace = ground.sample, ground.huge, ground.sizes.pace
    heads = tuple(name for name in data.TABLES if name not in {"jobs", "attempts", "events", "message_ids"})
    for store, url, near in (
        (sample, ground.on_postgres(sample), "≤ 6"),
        (huge, ground.on_postgres(huge, heads), "≤ 4"),
    ):
        others = list(store.others)
        Random(1).shuffle(others)
        many, among = cycle(others), f"among {len(others):,} other triggers"
        jobs = f"direct, {store.big.jobs:,} jobs"
        with trigger_core.open(url) as library, _bare(url) as bare:
            ask = partial(partial, library.direct, ACCOUNT)
            big, one = ask(store.big.trigger_id), ask(store.sent.trigger_id)
            select_1 = partial(bare.execute, "select 1")
            yield figure("postgres", f"{jobs} ÷ 1 sent job, {among}", times(big, one, pace), wanted="≤ 1.3")
            name = f"{jobs} ÷ bare `select 1`, {among}"
            yield figure("postgres", name, times(big, select_1, pace), wanted=near)
            name = f"direct, another trigger each time ÷ bare `select 1`, {among}"
            ratios = times(lambda: library.direct(ACCOUNT, next(many)), select_1, pace)  # noqa: B023  called at once
            yield figure("postgres", name, ratios, wanted=near)
            if store is sample:
                count = partial(bare.execute, _COUNT, [store.big.trigger_id])
                ratios = times(big, count, ground.sizes.slow)
                yield figure("postgres", f"{jobs} ÷ counting them", ratios, wanted="≤ 0.02")


def _outcomes(ground: Ground) -> Iterator[Figure]:
    sizes = ground.sizes
    bulk, url = max(2 * sizes.call, sizes.bulk // 3), ground.postgres.create_database()
    kinds = {kind.name: kind for kind in record.KINDS}
    with trigger_core.open(url) as library, _bare(url) as bare:
        library.record(record.send())
        for kind in ("jobs", "attempts"):
            for begin in range(0, bulk, sizes.call):
                library.record([kinds[kind].fact(n) for n in range(begin + 1, begin + sizes.call + 1)])
        bare.execute("create table bare (like jobs including all)")
        bare.execute("insert into bare select * from jobs")
        bare.execute("vacuum analyze")
        bare.execute(_STAGED)
        speeds = []
        for number, begin in enumerate(range(0, bulk, sizes.call)):
            facts = [record.outcome(n) for n in range(begin + 1, begin + sizes.call + 1)]
            bare.execute("truncate staged")
            with bare.cursor().copy("copy staged from stdin") as copy:
                for fact in facts:
                    copy.write_row(_row(fact))
            bare.execute("analyze staged")
            gc.collect()
            ours, floor = partial(library.record, facts), partial(bare.execute, _UPDATE, [record.TRIGGER])
            speeds.append(1 / ratio(number, partial(seconds, ours), partial(seconds, floor)))
    yield figure(
        "postgres",
        f"record, {bulk:,} outcomes, {sizes.call:,} a call: facts/s ÷ rows/s of a bare UPDATE … FROM by key",
        speeds,
        better="higher",
        wanted="≥ 0.5",
    )


def _row(fact: Outcome) -> tuple[object, ...]:
    at: dict[str, datetime] = {fact.outcome: fact.at.replace(tzinfo=None)}
    error = fact.error
    return (
        fact.execution_id,
        fact.job_id,
        at.get("sent"),
        at.get("failed"),
        at.get("filtered"),
        fact.code if error is None else error.code,
        fact.reason if error is None else error.message,
        None if fact.outcome == "filtered" else PROVIDER,
        fact.provider_message_id,
        fact.segments,
        fact.cost,
    )


def _plan(ground: Ground) -> Iterator[Figure]:
    people = ground.sizes.people
    ratios = []
    with filled(ground, people) as path:
        for _ in range(min(2, ground.sizes.slow.rounds)):
            url = ground.postgres.create_database()
            data.load_store(path, url, ("contacts", "lists", "list_members"))
            with trigger_core.open(url) as library, _bare(url) as bare:
                put(library, "hello", "Your order is on its way")
                request = Send(channel="sms", template_key="hello", list_name="everyone")
                took = seconds(partial(library.send, ACCOUNT, request))
                bare.execute("create table bare (like jobs including all)")
                ratios.append(took / seconds(partial(bare.execute, "insert into bare select * from jobs")))
    yield figure(
        "postgres",
        f"plan, {people:,} contacts, one text for all ÷ bare INSERT … SELECT of the jobs into a table like theirs",
        ratios,
        wanted="≤ 4",
    )


@contextmanager
def _bare(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
