"""A library on a clock that tests set."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from trigger_core import Library
from trigger_core.testing.contract.sending.world import Clock, make


@pytest.fixture
def clock() -> Clock:
    """The library's clock, at noon."""
    return Clock()


@pytest.fixture
def library(clock: Clock) -> Iterator[Library]:
    """A library with five contacts and a catalog; its audit must be empty in the end."""
    with make(clock) as library:
        yield library
        assert list(library.audit()) == []
