"""``python -m tests.store.openers STORE`` has many processes open a PostgreSQL store at once.

First it is empty; then they open it again, by a library that has a migration more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import trigger_core
import trigger_sql
from trigger_core.testing.contract.crowd import forked
from trigger_core.testing.contract.samples import direct_trigger

MANY = 6
ADDED = "create table added (n integer not null); insert into added values (1);"
"""What one more migration might be; done twice it would fail."""


@contextmanager
def library(*, newer: bool) -> Iterator[None]:
    """The library as it is, or with a migration more."""
    known = trigger_sql.migrations("postgres")
    after = (*known, (len(known) + 1, ADDED)) if newer else known
    with patch("trigger_sql.migrations", lambda dialect="duckdb": after):
        yield


def use(store: str) -> None:
    """Opens it, and records what all others record."""
    with trigger_core.open(store) as library:
        library.record(direct_trigger())
        assert list(library.audit()) == []


def main(store: str) -> None:
    """Opens it when all processes are there, twice."""
    for newer in (False, True):
        with library(newer=newer):
            waits, opens = os.pipe()

            def work(waits: int = waits, opens: int = opens) -> None:
                os.close(opens)
                os.read(waits, 1)  # ends when all other ends are closed
                use(store)

            numbers = [forked(work) for _ in range(MANY)]
            os.close(waits)
            os.close(opens)
            assert [os.waitpid(number, 0)[1] for number in numbers] == [0] * MANY


if __name__ == "__main__":
    main(*sys.argv[1:])
