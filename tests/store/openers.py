"""``python -m tests.store.openers STORE`` opens a PostgreSQL store by many processes at once: an empty one, then again
with a version of the library that has a migration more."""

from __future__ import annotations

import os
import sys
from unittest.mock import patch

import trigger_core
import trigger_sql
from trigger_core.testing.contract.crowd import forked
from trigger_core.testing.contract.samples import direct_trigger

PROCESSES = 6
ADDED = "create table added (n integer not null); insert into added values (1);"
"""What a second migration might be; done twice it would fail."""


def opened_at_once(store: str) -> None:
    """Opens it by all processes when all are there; each records the same."""
    waits, opens = os.pipe()

    def work() -> None:
        os.close(opens)
        os.read(waits, 1)  # ends when the parent closes its end
        with trigger_core.open(store) as library:
            library.record(direct_trigger())
            assert list(library.audit()) == []

    numbers = [forked(work) for _ in range(PROCESSES)]
    os.close(waits)
    os.close(opens)
    assert [os.waitpid(number, 0)[1] for number in numbers] == [0] * PROCESSES


def main(store: str) -> None:
    """Opens it, and opens it again."""
    known = trigger_sql.migrations("postgres")
    for name in trigger_sql.names():  # is translated once for all
        trigger_sql.query(name, "postgres")
    opened_at_once(store)
    with patch("trigger_sql.migrations", lambda dialect="duckdb": (*known, (len(known) + 1, ADDED))):
        opened_at_once(store)


if __name__ == "__main__":
    main(*sys.argv[1:])
