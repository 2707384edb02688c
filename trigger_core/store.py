"""The port: all that the core asks of a database, and how a store is found by its name.

An adapter satisfies ``Store`` by having its methods; it inherits nothing. The statements are those of ``trigger_sql``,
named by their files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from random import random
from time import sleep
from typing import Any, Final, Protocol, TypeVar

from trigger_core.errors import InvalidValue, StoreConflict, StoreInDoubt, StoreUnavailable
from trigger_core.facts import UNSTORABLE
from trigger_sql import Dialect

Row = tuple[Any, ...]
T = TypeVar("T")

_PAUSES: Final = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Seconds to wait at most, one time after the other, before something is done again."""


class Reader(Protocol):
    """Answers queries: a session in its transaction's state, a store each of them in the state of that moment."""

    def rows(self, query: str, **parameters: object) -> list[Row]:
        """All rows that a query answers."""


class Session(Reader, Protocol):
    """One transaction, as its owner sees it."""

    def run(self, query: str, **parameters: object) -> None:
        """Runs a statement that changes something."""

    def guard(self, query: str, **parameters: object) -> None:
        """Keeps other writers from coming in between; does nothing where there is only one at a time.

        The statements are those that ``trigger_sql`` has for such an engine alone: they lock rows, take a key, or
        record at once what they meet as they lock.
        """

    def use_all_cores(self) -> None:
        """Says that what follows is about very many rows: statements may be worth sharing out until this ends."""

    def append(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        """Adds rows to a table by the engine's bulk path; a row has a value for each column, in order."""

    def clear(self, *tables: str) -> None:
        """Empties staging tables."""


class Store(Reader, Protocol):
    """A database that holds facts."""

    url: str
    """Where it is, as far as that may be shown."""

    dialect: Dialect
    """Capability: which of the texts of ``trigger_sql`` it runs."""

    sees_every_write: bool
    """Capability: no other process writes here, so an answer stays true until this one writes."""

    one_writer: bool
    """Capability: write transactions follow each other, so that none needs guards or is done again."""

    def check(self) -> None:
        """Returns if the store is open here, without asking it: an answer from memory is only given then."""

    def read(self) -> AbstractContextManager[Session]:
        """A transaction whose reads all see one state; a thread may have several."""

    def write(self, *, wait: bool = True) -> AbstractContextManager[Session]:
        """A transaction that is durable once left without an error, and leaves nothing behind otherwise.

        Args:
            wait: whether to wait for what other transactions hold; otherwise it is given up.

        Raises:
            StoreConflict: another process's transaction got in the way; done again it will see what that one did.
            StoreInDoubt: it may be durable or not.
            StoreUnavailable: it would have had to wait.
        """

    def workspace(self) -> AbstractContextManager[Session]:
        """Staging tables of one's own, for work that is too long for a transaction: each statement is one.

        Its statements change nothing but those tables, and see whatever is recorded by then.
        """

    def table(self, text: str, parameters: dict[str, object]) -> tuple[tuple[str, ...], list[Row]]:
        """The columns and rows of one reading statement."""

    def snapshot(self, path: str) -> None:
        """Writes a consistent copy of the database to a new file, one that DuckDB and its shell open."""

    def distribute(self) -> bool:
        """Spreads the tables over the machines of a cluster, all of them or none.

        Returns:
            Whether they weren't yet.

        Raises:
            StoreError: the store isn't on a cluster; it says what is missing.
        """

    def compacted(self) -> None:
        """Lets the engine use what a compaction freed."""

    def health(self) -> None:
        """Returns if the store answers."""

    def close(self) -> None:
        """Ends all work; what was acknowledged stays."""


STORES: Final[dict[str, str]] = {
    "duckdb": "trigger_duckdb:DuckDBStore",
    "postgresql": "trigger_postgres:PostgresStore",
}
"""Which class opens which scheme, as ``module:name``; a third party's store is added here."""


def settled(work: Callable[[], T]) -> T:
    """What a transaction gives that is done again while others get in its way, or while it is in doubt.

    Args:
        work: does the whole transaction, and no harm where it is done twice.

    Raises:
        StoreConflict: others got in its way each time.
        StoreInDoubt: it was in doubt, and then it could not be done, whyever.
    """
    pauses = iter(_PAUSES)
    in_doubt = False
    while True:
        try:
            return work()
        except StoreUnavailable as error:
            in_doubt = in_doubt or isinstance(error, StoreInDoubt)
            again = isinstance(error, StoreConflict | StoreInDoubt)
            pause = next(pauses, None) if again else None
            if pause is None and in_doubt:
                raise StoreInDoubt from error
            if pause is None:
                raise
        sleep(pause * random())  # noqa: S311  so that two that collided don't again


def open_store(url: str | os.PathLike[str]) -> Store:
    """The store that a URL or a path names.

    Args:
        url: ``postgresql://user:password@host/database``, ``duckdb:///absolute/path``, a path, or ``:memory:``.

    Raises:
        InvalidValue: no store is known for the URL's scheme, or it is nothing that can be named in UTF-8.
    """
    text = os.fspath(url)
    if not text or UNSTORABLE.search(text):
        raise InvalidValue("store", "must be a path or a URL in UTF-8, with no NUL")
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "duckdb", text
    if scheme not in STORES:
        raise InvalidValue(
            "store", f"must be a path or begin with {', '.join(f'{name}://' for name in STORES)}"
        )
    module, _, name = STORES[scheme].partition(":")
    opener: Callable[[str], Store] = getattr(import_module(module), name)
    return opener(rest)
