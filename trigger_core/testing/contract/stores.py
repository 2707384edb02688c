"""The stores that the suite runs on: whatever the fixture ``new_store`` makes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import trigger_core
from trigger_core import Library
from trigger_core.store import STORES, Store

_makers: list[Callable[[], str]] = []


@contextmanager
def under_test(make: Callable[[], str]) -> Iterator[None]:
    """Has ``new_url`` and ``fresh`` make stores of one kind."""
    _makers.append(make)
    try:
        yield
    finally:
        _makers.pop()


def new_url() -> str:
    """The URL of a new, empty store of the kind under test."""
    return _makers[-1]()


def fresh(**options: Any) -> Library:
    """A library over an empty store of the kind under test: a new one, or one that is lent."""
    lend: Callable[[], Store] | None = getattr(_makers[-1], "lend", None)
    return Library(lend(), **options) if lend else trigger_core.open(new_url(), **options)


def command(module: str, *arguments: str) -> list[str]:
    """The command line of a module of the suite that is to run in a process of its own, and to open the same stores."""
    return [sys.executable, "-m", f"trigger_core.testing.contract.{module}", json.dumps(STORES), *arguments]


def arguments() -> list[str]:
    """What ``command`` was given, in that process."""
    STORES.update(json.loads(sys.argv[1]))
    return sys.argv[2:]
