"""What the benchmarks stand on: how big things are, and the sample stores, each made once for all of them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import attrs
import duckdb
from attrs import field, frozen

import trigger_core
import trigger_sql
from benchmarks import data
from benchmarks.measure import Pace
from tests.postgres import Server, server
from trigger_core import Library


@frozen
class Sizes:
    """How much there is of everything.

    Attributes:
        sample: what is in the store that most benchmarks ask.
        huge: what is in one of very many triggers and a very big one.
        vast: what is in the biggest.
        people: contacts to send to.
        bulk: facts of each kind recorded in bulk.
        call: facts of one call of those.
        at_random: events of one call about jobs of the huge store.
        singles: facts of one call each that a thread records in a round.
        journal: jobs in the journal; a job has four to five lines.
        lives: jobs whose bytes on disk are counted.
        pace: rounds of what takes microseconds to milliseconds.
        slow: rounds of what takes seconds.
    """

    sample: dict[str, Any]
    huge: dict[str, Any]
    vast: dict[str, Any]
    people: int
    bulk: int
    call: int
    at_random: int
    singles: int
    journal: int
    lives: int
    pace: Pace
    slow: Pace


WHOLE = Sizes(
    sample={"others": 100_000, "big": 1_000_000, "middle": 20_000, "pending": 200_000},
    huge={"others": 1_000_000, "each": (1,), "big": 10_000_000, "middle": 20_000, "pending": 10_000_000},
    vast={
        "others": 1_000_000,
        "each": (1,),
        "big": 10_000_000,
        "campaigns": 10,
        "middle": 20_000,
        "pending": 200_000,
        "traced": False,
    },
    people=1_000_000,
    bulk=1_000_000,
    call=100_000,
    at_random=10_000,
    singles=100,
    journal=222_500,
    lives=300_000,
    pace=Pace(rounds=30, turn=0.1),
    slow=Pace(rounds=5, turn=0),
)
_FEW = {"others": 40, "big": 500, "middle": 60, "pending": 800}
SMALL = Sizes(
    sample=_FEW,
    huge={**_FEW, "others": 50, "each": (1,), "big": 700},
    vast={**_FEW, "campaigns": 2, "traced": False},
    people=500,
    bulk=200,
    call=100,
    at_random=20,
    singles=2,
    journal=40,
    lives=2_000,
    pace=Pace(rounds=2, turn=0.001),
    slow=Pace(rounds=1, turn=0),
)


@frozen
class Ground:
    """A directory to keep files in, on the disk that is measured, and one where sample stores may be found again."""

    sizes: Sizes
    directory: Path
    stores: Path
    _made: list[int] = field(factory=lambda: [0])
    _loaded: dict[tuple[Path, tuple[str, ...]], str] = field(factory=dict)
    _stack: ExitStack = field(factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # Nobody changes a sample store: what writes gets a copy.

    @cached_property
    def sample(self) -> data.Sample:
        """A store of many triggers and a big one."""
        return self._sample(self.sizes.sample)

    @cached_property
    def huge(self) -> data.Sample:
        """A store of a million triggers for one contact each, one for ten million, and one whose jobs are pending."""
        return self._sample(self.sizes.huge)

    @cached_property
    def vast(self) -> data.Sample:
        """A store of a hundred million jobs, most of them in few triggers, whose providers gave no message ids."""
        return self._sample(self.sizes.vast)

    def _sample(self, mix: dict[str, Any]) -> data.Sample:
        """Makes it, or finds it: under a name that changes with what it is made of."""
        parts = [json.dumps(mix), data.recipe(), trigger_sql.script("schema")]
        path = self.stores / f"sample-{sha256(chr(0).join(parts).encode()).hexdigest()[:16]}.duckdb"
        told = path.with_suffix(".json")
        if told.exists():
            values = json.loads(told.read_text("utf-8"))
            sends = {name: data.Send(**values[name]) for name in data.ASKED}
            return data.Sample(path, tuple(values["others"]), **sends)
        remove(path)
        made = data.make(path, **mix)
        told.write_text(json.dumps(attrs.asdict(made, filter=lambda each, _: each.name != "path")), "utf-8")
        return made

    @cached_property
    def postgres(self) -> Server:
        """A PostgreSQL server, for as long as the ground is there."""
        return self._stack.enter_context(server())

    def on_postgres(self, sample: data.Sample, tables: tuple[str, ...] = data.TABLES) -> str:
        """The database that has a sample store, or those tables of it: one for all benchmarks."""
        key = sample.path, tables
        if key not in self._loaded:
            url = self.postgres.create_database()
            with self.copy(sample) as path:
                data.load_store(path, url, tables)
            self._loaded[key] = url
        return self._loaded[key]

    def path(self, name: str) -> Path:
        """A file that isn't there yet."""
        self._made[0] += 1
        return self.directory / f"{self._made[0]}-{name}"

    @contextmanager
    def copy(self, sample: data.Sample | None = None) -> Iterator[Path]:
        """A copy of a sample store, for as long as it is needed."""
        path = self.path("copy.duckdb")
        shutil.copyfile((sample or self.sample).path, path)
        try:
            yield path
        finally:
            remove(path)

    @contextmanager
    def library(self, sample: data.Sample | None = None) -> Iterator[Library]:
        """The library on a copy of a sample store."""
        with self.copy(sample) as path, trigger_core.open(path) as library:
            yield library

    @contextmanager
    def bare_copy(self, sample: data.Sample | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """DuckDB alone on a copy of a sample store."""
        with self.copy(sample) as path, data.bare(path) as connection:
            yield connection

    @contextmanager
    def bare(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """DuckDB alone on an empty file."""
        path = self.path("bare.duckdb")
        try:
            with data.bare(path) as connection:
                yield connection
        finally:
            remove(path)


def remove(path: Path) -> None:
    """Removes a database and its log."""
    for name in (path, f"{path}.wal"):
        if os.path.exists(name):
            os.remove(name)
