"""The stores that the suite in this folder runs on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

import trigger_core
from trigger_core import Library

STORES = ("duckdb",)
"""A further store is named here, and gets its case in `backend`."""


@frozen
class Backend:
    """Where one test's facts are kept.

    Attributes:
        name: the kind of store.
        url: what `trigger_core.open` takes.
        snapshots: whether it can write a copy of itself to a file.
    """

    name: str
    url: str
    snapshots: bool

    def open(self) -> Library:
        """The store; what was recorded there is still there."""
        return trigger_core.open(self.url)


@pytest.fixture(params=STORES)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """An empty store of each kind, not open yet."""
    return Backend(name=request.param, url=f"duckdb://{tmp_path / 'store.duckdb'}", snapshots=True)


@pytest.fixture
def library(backend: Backend) -> Iterator[Library]:
    """An empty store of each kind, open."""
    with backend.open() as library:
        yield library
