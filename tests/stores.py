"""Stores that stay open, each lent to one test after the other: to empty one takes a tenth of opening one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from shutil import copy
from typing import Any, cast

import pytest

import trigger_core
from tests.postgres import EmptyStores, empty
from trigger_core.errors import StoreClosed, TriggerCoreError
from trigger_core.store import Session, Store, open_store


def _empty_duckdb(session: Any) -> None:
    # Tables that never held anything are most of them.
    used = "select table_name from duckdb_tables() where not temporary and estimated_size > 0"
    for (name,) in session.cursor.execute(used).fetchall():
        if name != "schema_version":
            session.cursor.execute(f"delete from {name}")  # noqa: S608


def _empty_postgres(session: Any) -> None:
    session._connection.execute("set local lock_timeout = '2s'")
    empty(session._connection)


_EMPTY: dict[str, Callable[[Any], None]] = {"duckdb": _empty_duckdb, "postgres": _empty_postgres}


class _Lent:
    """A store as its borrower sees it: closed by ``close``, though it is only given back then."""

    def __init__(self, store: Store, give_back: Callable[[Store, bool], None]) -> None:
        self.url = store.url
        self.sees_every_write, self.one_writer = store.sees_every_write, store.one_writer
        self._store, self._give_back = store, give_back
        self._closed = False
        self._busy = 0

    def __getattr__(self, name: str) -> Any:
        if self._closed:
            raise StoreClosed
        return getattr(self._store, name)

    @contextmanager
    def _counted(self, name: str, **how: bool) -> Iterator[Session]:
        used: Callable[..., AbstractContextManager[Session]] = self.__getattr__(name)
        with used(**how) as session:
            self._busy += 1
            try:
                yield session
            finally:
                self._busy -= 1

    def read(self) -> AbstractContextManager[Session]:
        return self._counted("read")

    def write(self, *, wait: bool = True) -> AbstractContextManager[Session]:
        return self._counted("write", wait=wait)

    def workspace(self) -> AbstractContextManager[Session]:
        return self._counted("workspace")

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._give_back(self._store, not self._busy)


class Stores:
    """Empty stores of one kind: a call makes a new one, ``lend`` gives one that is open.

    Args:
        make: makes an empty store, and says its URL.
        make_to_lend: makes one that outlives the test that it is made in.
    """

    def __init__(self, make: Callable[[], str], make_to_lend: Callable[[], str]) -> None:
        self._make, self._make_to_lend = make, make_to_lend
        self._kept: list[Store] = []

    def __call__(self) -> str:
        """The URL of a new one."""
        return self._make()

    def lend(self) -> Store:
        """One that is open and empty, until it is closed."""
        store = self._kept.pop() if self._kept else open_store(self._make_to_lend())
        return cast("Store", _Lent(store, self._give_back))

    def _give_back(self, store: Store, idle: bool) -> None:
        """Empties it for the next; one that somebody still uses, or that can't be emptied, is closed for good."""
        if idle:
            with suppress(TriggerCoreError):
                with store.write() as session:
                    _EMPTY[store.dialect](session)
                self._kept.append(store)
                return
        store.close()

    def close(self) -> None:
        """Closes what is kept."""
        while self._kept:
            self._kept.pop().close()


@contextmanager
def in_files(directories: pytest.TempPathFactory) -> Iterator[Stores]:
    """Files, each a copy of one: to copy one takes a third of the time of making one."""
    trigger_core.open(made := directories.mktemp("empty") / "store.duckdb").close()

    def make() -> str:
        return f"duckdb://{copy(made, directories.mktemp('store'))}"

    stores = Stores(make, make)
    yield stores
    stores.close()


@contextmanager
def on_server(databases: EmptyStores) -> Iterator[Stores]:
    """Databases of a server."""
    stores = Stores(databases.take, lambda: databases.server.create_database(keep=True))
    yield stores
    stores.close()
