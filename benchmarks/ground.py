"""What the benchmarks stand on: how big things are, and the sample store, made once for all of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import duckdb
from attrs import field, frozen

import trigger_core
from benchmarks import data
from benchmarks.measure import Pace
from trigger_core import Library


@frozen
class Sizes:
    """How much there is of everything.

    Attributes:
        others: triggers beside those that are asked about.
        big: jobs of the biggest execution.
        middle: jobs of a moderate one.
        pending: jobs without an outcome.
        bulk: facts of each kind recorded in bulk.
        call: facts of one call of those.
        singles: facts of one call each that a thread records in a round.
        journal: jobs in the journal; a job has four to five lines.
        pace: rounds of what takes microseconds to milliseconds.
        slow: rounds of what takes seconds.
    """

    others: int
    big: int
    middle: int
    pending: int
    bulk: int
    call: int
    singles: int
    journal: int
    pace: Pace
    slow: Pace


WHOLE = Sizes(
    others=100_000,
    big=1_000_000,
    middle=20_000,
    pending=200_000,
    bulk=1_000_000,
    call=100_000,
    singles=100,
    journal=222_500,
    pace=Pace(rounds=30, turn=0.1),
    slow=Pace(rounds=5, turn=0),
)
SMALL = Sizes(
    others=40,
    big=500,
    middle=60,
    pending=800,
    bulk=200,
    call=100,
    singles=2,
    journal=40,
    pace=Pace(rounds=2, turn=0.001),
    slow=Pace(rounds=1, turn=0),
)


@frozen
class Ground:
    """A directory to keep stores in, on the disk that is measured."""

    sizes: Sizes
    directory: Path
    _made: list[int] = field(factory=lambda: [0])

    @cached_property
    def sample(self) -> data.Sample:
        """The sample store. Nobody changes it, nor has it open: benchmarks get copies."""
        sizes = self.sizes
        return data.make(
            self.directory / "sample.duckdb",
            others=sizes.others,
            big=sizes.big,
            middle=sizes.middle,
            pending=sizes.pending,
        )

    def path(self, name: str) -> Path:
        """A file that isn't there yet."""
        self._made[0] += 1
        return self.directory / f"{self._made[0]}-{name}"

    @contextmanager
    def copy(self) -> Iterator[Path]:
        """A copy of the sample store, for as long as it is needed."""
        path = self.path("copy.duckdb")
        shutil.copyfile(self.sample.path, path)
        try:
            yield path
        finally:
            remove(path)

    @contextmanager
    def library(self) -> Iterator[Library]:
        """The library on a copy of the sample store."""
        with self.copy() as path, trigger_core.open(path) as library:
            yield library

    @contextmanager
    def bare_copy(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """DuckDB alone on a copy of the sample store."""
        with self.copy() as path, data.bare(path) as connection:
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
