"""Where the time of a call goes: ``python -m benchmarks.profiles [--stores FOLDER]`` prints it for the hot paths.

Each is called some times; a line says what share of a call each statement took, by its name in ``trigger_sql``, and
what was left for Python.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial, wraps
from itertools import cycle
from operator import itemgetter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from unittest.mock import patch

import trigger_core
from benchmarks import record
from benchmarks.data import ACCOUNT
from benchmarks.ground import SMALL, WHOLE, Ground
from benchmarks.plan import filled, put
from benchmarks.report import table
from trigger_core.facts import Fact
from trigger_core.sending import Send
from trigger_duckdb import _store

Spent = defaultdict[str, float]


@contextmanager
def watched() -> Iterator[Spent]:
    """Counts the seconds of each statement."""
    spent: Spent = defaultdict(float)

    def timed(method: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        @wraps(method)
        def call(*arguments: Any, **keywords: Any) -> Any:
            begin = perf_counter()
            try:
                return method(*arguments, **keywords)
            finally:
                spent[name(*arguments)] += perf_counter() - begin

        return call

    session, store = _store._Session, _store.DuckDBStore
    with ExitStack() as stack:
        for owner, method, name in (
            (store, "_commit", lambda *_: "commit"),
            (store, "rows", lambda _, query: query),
            (session, "rows", lambda _, query: query),
            (session, "run", lambda _, query: query),
            (session, "append", lambda _, table, *__: f"append to {table}"),
            (session, "clear", lambda *_: "clear staging tables"),
        ):
            stack.enter_context(patch.object(owner, method, timed(getattr(owner, method), name)))
        yield spent


def profile(name: str, calls: int, work: Callable[[], object]) -> None:
    """Prints where the time of some calls went."""
    work()
    with watched() as spent:
        begin = perf_counter()
        for _ in range(calls):
            work()
        whole = perf_counter() - begin
    spent["Python"] = whole - sum(spent.values())
    ordered = sorted(spent.items(), key=itemgetter(1), reverse=True)
    rows = [(what, f"{1000 * took / calls:.3g}", f"{took / whole:.0%}") for what, took in ordered]
    print(f"\n{name}: {1000 * whole / calls:.3g} ms a call\n")
    print(table(("what", "ms", "share"), [row for row in rows if row[2] != "0%"]))


def main() -> None:
    """Runs the command line."""
    parser = ArgumentParser("python -m benchmarks.profiles", description="Prints where the time goes.")
    parser.add_argument("--small", action="store_true", help="few rows: does it run?")
    parser.add_argument("--stores", type=Path, help="where sample stores are kept, to be used again")
    values = parser.parse_args()
    with TemporaryDirectory(prefix="trigger-core-profiles-") as directory:
        ground = Ground(SMALL if values.small else WHOLE, Path(directory), values.stores or Path(directory))
        _run(ground)


def _run(ground: Ground) -> None:
    sizes, sample = ground.sizes, ground.sample
    calls = 10 * sizes.slow.rounds
    with ground.library() as library:
        profile("direct, remembered", 100 * calls, partial(library.direct, ACCOUNT, sample.big.trigger_id))
        library.store.sees_every_write = False
        profile("direct, read", calls, partial(library.direct, ACCOUNT, sample.big.trigger_id))
        others = list(sample.others)
        Random(1).shuffle(others)
        many = cycle(others)
        profile("direct, another each time", calls, lambda: library.direct(ACCOUNT, next(many)))
        document = partial(library.document, ACCOUNT, sample.big.trigger_id, "direct")
        profile("document, nothing new, where others write too", calls, document)
        profile("jobs, a first page", calls, partial(library.jobs, ACCOUNT, sample.big.execution_id))
        profile("triggers, a first page", calls, partial(library.triggers, ACCOUNT))
        library.store.sees_every_write = True
        numbers = iter(range(1, sample.pending.jobs))
        single = lambda: library.record([record.event(next(numbers), sample.pending.execution_id)])  # noqa: E731
        profile("record, an event", calls, single)
        library.record(record.send())
        for kind in record.KINDS:
            calls_of = iter(
                [_facts(kind, first, sizes.call) for first in range(1, 3 * sizes.call, sizes.call)]
            )
            name = f"record, {sizes.call:,} {kind.name}"
            profile(name, 2, lambda facts=calls_of: library.record(next(facts)))  # type: ignore[misc]
        profile("compact", 1, library.compact)
    with filled(ground, sizes.people) as path, trigger_core.open(path) as library:
        put(library, "hello", "Your order is on its way")
        request = Send(channel="sms", template_key="hello", list_name="everyone")
        profile(f"send to a list of {sizes.people:,}", 1, partial(library.send, ACCOUNT, request))


def _facts(kind: record.Kind, first: int, count: int) -> list[Fact]:
    sent = "message" in kind.name
    return [kind.fact(n) for n in range(first, first + count) if n % 100 >= 5 or not sent]


if __name__ == "__main__":
    main()
