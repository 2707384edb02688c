"""A DuckDB file as a store for one process and many threads.

DuckDB loses updates between concurrent writers without an error, and a COMMIT after a failed statement succeeds and
rolls back. So there is one writer at a time, its transaction lies wholly inside the lock, and after any error it is
rolled back. Every thread reads through a cursor of its own.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from tempfile import gettempdir
from time import sleep
from typing import Any, Final
from uuid import uuid4
from weakref import WeakValueDictionary

import duckdb

import trigger_sql
from trigger_core._new_file import new_file
from trigger_core.errors import (
    InvalidValue,
    StoreClosed,
    StoreError,
    StoreForked,
    StoreInDoubt,
    StoreInUse,
    StoreTooNew,
    StoreUnavailable,
)

Row = tuple[Any, ...]
Dialect = trigger_sql.Dialect
Connection = duckdb.DuckDBPyConnection

_SHELL_READS: Final = "v1.5.0"
"""The storage version that the DuckDB shell of 1.5 still opens; 2.0 writes its own unless told."""

_FAILED: Final = "the database failed and is being reopened; nothing was recorded: try again"

_NO_STORE: Final = re.compile("Cannot open file|not a valid DuckDB database|Could not read")
_DURABLE: Final = "COMMIT succeeded and is durable"
"""What a failure says where the facts are safe in the log, and only writing it into the file failed."""

_TABLES: Final = frozenset({"schema_version", "accounts", "triggers", "executions", "jobs", "tally"})
"""What a file of this library's has from the first version on."""

_FEW: Final = 100
"""Up to so many rows are inserted sooner than an Appender is opened and closed."""

_PAUSES: Final = (0.001, 0.01, 0.1, 0.5)
"""Seconds to wait, one time after the other, for others' transactions to end."""

_COPY: Final = "copy"
"""The name of a snapshot that isn't whole yet."""

_HOLDER: Final = re.compile(r"\(PID (\d+)\)")

_CORES: Final = os.cpu_count() or 1

_MANY: Final = 5_000
"""So many rows are worth handing to other cores; to set how many work takes a millisecond."""

_CONFIG: Final[dict[str, Any]] = {
    # Most statements are about few rows. To share their work out takes a fifth of their time; the threads that ask keep
    # the other cores busy.
    "threads": 1,
    "storage_compatibility_version": _SHELL_READS,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
}


_STORES: Final[WeakValueDictionary[object, DuckDBStore]] = WeakValueDictionary()
"""By what tells their files apart, whatever their names."""


def _after_fork() -> None:
    """In a forked child: makes every store unusable, and its connection immortal.

    Were it destroyed there, DuckDB would write the parent's log into the file and remove it under the parent, which
    then loses what it acknowledges.
    """
    for store in list(_STORES.values()):
        store.disown()


os.register_at_fork(after_in_child=_after_fork)


class DuckDBStore:
    """A store in a DuckDB file.

    Args:
        path: the file, made if it isn't there, or ``:memory:``.

    Raises:
        InvalidValue: the path has a ``?`` in it.
        StoreInUse: another process has the file open, or this one has.
        StoreTooNew: the file was written by a newer version.
        StoreError: the file is not a database of this library's.
    """

    dialect: Dialect = "duckdb"
    sees_every_write = True
    one_writer = True

    def __init__(self, path: str) -> None:
        if path != ":memory:" and "?" in os.path.realpath(path):
            raise InvalidValue(
                "store",
                "must be a path without ?, also where links lead: DuckDB would not find its log; there are no options",
            )
        self.path = path if path == ":memory:" else os.path.abspath(path)
        self.url = path if path == ":memory:" else f"duckdb://{self.path}"
        self._snapshots = (
            os.path.join(gettempdir(), f"trigger-core-{uuid4()}")
            if path == ":memory:"
            else os.path.join(
                os.path.dirname(self.path), f".{os.path.basename(self.path)}.trigger-core-snapshot"
            )
        )
        self._lock = threading.Lock()
        self._reopening = threading.Lock()
        self._snapshotting = threading.Lock()
        self._sharing = threading.Lock()
        self._sharers: set[_Session] = set()
        self._local = threading.local()
        self._closed = False
        self._forked = False
        self._writer: Connection | None = None
        self._root: Connection | None = self._connect()
        self._writer = self._staging_cursor()
        _STORES[self._identity()] = self

    def _connect(self) -> Connection:
        root = None
        in_use = StoreInUse(f"{self.path} is open in this process already: share that one")
        try:
            if self.path != ":memory:" and not os.path.exists(self.path):
                _make(self.path)
            other = _STORES.get(self._identity(), self)
            if other is not self and not other._closed:  # by another name: DuckDB would not notice
                raise in_use
            root = duckdb.connect(self.path, config=_CONFIG)
            if root.execute("select current_setting('lock_configuration')").fetchall() == [(True,)]:
                raise in_use
            _migrate(root, self.path)
            root.execute("set checkpoint_threshold = '256MB'")
            root.execute(f"set allowed_directories = [{_quoted(self._snapshots)}]")
            root.execute("set enable_external_access = false")
            root.execute("set allowed_configs = ['threads']")
            root.execute("set lock_configuration = true")
            return root
        except BaseException as error:
            if root is not None:
                root.close()
            elif isinstance(error, duckdb.IOException) and _NO_STORE.search(str(error)):
                raise StoreError(f"{self.path} can't be opened: {_first_line(error)}") from error
            if isinstance(error, duckdb.Error):
                raise _translated(error, self.path) from error
            raise

    def _identity(self) -> object:
        """What is the same for two stores only if their files are one."""
        with suppress(OSError):
            if self.path != ":memory:":
                found = os.stat(self.path)
                return found.st_dev, found.st_ino
        return id(self)

    def check(self) -> None:
        """Returns if the store is open in this process."""
        if self._forked:
            raise StoreForked
        if self._closed:
            raise StoreClosed

    def disown(self) -> None:
        """Leaves the database to the process that this one was forked from."""
        self._forked = True
        for connection in (self._root, self._writer):
            if connection is not None:
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))

    def _cursor(self) -> Connection:
        self.check()
        root = self._root
        if root is None:
            with self._reopening:
                root = self._root = self._root or self._connect_again()
        return root.cursor()

    def _staging_cursor(self) -> Connection:
        """A cursor with staging tables of its own."""
        cursor = self._cursor()
        for statement in duckdb.extract_statements(trigger_sql.script("staging")):
            cursor.execute(statement)
        return cursor

    @contextmanager
    def _own_cursor(self) -> Iterator[Connection]:
        """This thread's cursor, or a new one while the thread uses it or after the store was reopened.

        A cursor whose user failed or was interrupted is not used again.
        """
        self.check()
        root, cursor = getattr(self._local, "kept", (None, None))
        self._local.kept = (None, None)
        if cursor is None or root is not self._root:
            cursor = self._cursor()
            root = self._root
        yield cursor
        self._local.kept = (root, cursor)

    @contextmanager
    def read(self) -> Iterator[_Session]:
        """A transaction whose reads all see one state."""
        with self._translating(), self._own_cursor() as cursor:
            cursor.begin()
            try:
                with self._session(cursor) as session:
                    yield session
            finally:
                with suppress(duckdb.Error):
                    cursor.rollback()

    def rows(self, query: str, **parameters: object) -> list[Row]:
        """All rows that a query answers by itself: without a transaction's price, half of a small query's."""
        with self._translating(), self._own_cursor() as cursor:
            return cursor.execute(_statement(query), parameters).fetchall()

    @contextmanager
    def write(self, *, wait: bool = True) -> Iterator[_Session]:
        """The one write transaction, durable once left without an error.

        Raises:
            StoreUnavailable: another one is under way, and ``wait`` is false.
        """
        self.check()
        if not wait and self._lock.locked():
            raise StoreUnavailable("another transaction is being written; nothing was recorded: try again")
        with self._lock, self._translating():
            self.check()
            writer = self._writer or self._staging_cursor()
            root = self._root
            self._writer = None
            try:
                writer.begin()
                with self._session(writer) as session:
                    yield session
                    self._commit(writer)
            except BaseException:
                try:
                    writer.rollback()
                except duckdb.Error:
                    writer.close()
                else:
                    self._keep(writer, root)
                raise
            self._keep(writer, root)

    def _keep(self, writer: Connection, root: Connection | None) -> None:
        """Leaves a cursor to the next write, unless the database was closed under it."""
        if root is self._root:
            self._writer = writer

    def _commit(self, writer: Connection) -> None:
        try:
            writer.commit()
        except duckdb.FatalException as error:
            self._drop_failed()
            if _DURABLE not in str(error):
                raise StoreInDoubt(
                    "it may have been recorded: the database failed while it committed"
                ) from error

    @contextmanager
    def workspace(self) -> Iterator[_Session]:
        """A connection with staging tables of its own, each statement a transaction.

        In a longer one, what is cleared from those tables would still take memory.
        """
        with self._translating():
            cursor = self._staging_cursor()
            try:
                with self._session(cursor) as session:
                    yield session
            finally:
                cursor.close()

    @contextmanager
    def _session(self, cursor: Connection) -> Iterator[_Session]:
        """A session on a cursor; how many cores work is as it was before, once it is over."""
        session = _Session(cursor, self._use_all_cores)
        try:
            yield session
        finally:
            if session in self._sharers:
                with self._sharing:
                    self._sharers.discard(session)
                    if not self._sharers:
                        self._set_cores(1)

    def _use_all_cores(self, session: _Session) -> None:
        """Has the database's statements work on all cores until all sessions that asked for it are over."""
        if session not in self._sharers:
            with self._sharing:
                if not self._sharers:
                    self._set_cores(_CORES)
                self._sharers.add(session)

    def _set_cores(self, cores: int) -> None:
        if self._root is not None:
            with suppress(duckdb.Error), self._root.cursor() as cursor:
                cursor.execute(f"set threads = {cores}")

    @contextmanager
    def _translating(self) -> Iterator[None]:
        root = self._root
        try:
            yield
        except RuntimeError as error:
            if str(error) == "Query interrupted":  # all that DuckDB leaves of a signal handler's exception
                raise KeyboardInterrupt from error
            raise
        except duckdb.Error as error:
            if isinstance(error, duckdb.FatalException):
                self._drop_failed()
            if self._closed:
                raise StoreClosed from error
            if isinstance(error, duckdb.ConnectionException) or (root is not None and self._root is not root):
                raise StoreUnavailable(_FAILED) from error
            raise _translated(error, self.path) from error

    def _drop_failed(self) -> None:
        """After a fatal error the whole database is unusable until every connection was closed.

        Whoever needs a cursor next connects again.
        """
        with self._reopening:
            root = self._root
            if root is None:
                return
            with suppress(duckdb.Error):
                root.execute("select 1")
                return
            self._root = None
            for connection in (self._writer, root):
                if connection is not None:
                    with suppress(duckdb.Error):
                        connection.close()
            self._writer = None

    def _connect_again(self) -> Connection:
        self.check()
        try:
            return self._connect()
        except StoreError as error:
            raise StoreUnavailable(f"the database failed and could not be reopened yet: {error}") from error

    def table(self, text: str, parameters: dict[str, object]) -> tuple[tuple[str, ...], list[Row]]:
        """The columns and rows of one reading statement."""
        with self._translating(), self._own_cursor() as cursor:
            cursor.execute(text, parameters)
            return tuple(column[0] for column in cursor.description or ()), cursor.fetchall()

    def distribute(self) -> bool:
        """Refuses.

        Raises:
            StoreError: a file is on one machine.
        """
        raise StoreError(
            "a DuckDB store is one file of one process: only a PostgreSQL database with Citus can be distributed"
        )

    def compacted(self) -> None:
        """Writes the log into the file, and frees what deleted rows held; sometime later, if that can't be now."""
        for pause in _PAUSES:
            with self._lock, self._translating():
                try:
                    self._cursor().execute("checkpoint")
                    return
                except duckdb.TransactionException:  # somebody lays facts out in a workspace
                    pass
            sleep(pause)

    def snapshot(self, path: str) -> None:
        """Writes a consistent copy of the database to a new file, while others read and write.

        Raises:
            InvalidValue: there is a file of that name already, or no such folder, or that is for what is being copied.
        """
        with new_file(path) as made, self._snapshotting, self._translating():
            if os.path.realpath(self._snapshots) in map(os.path.realpath, (path, os.path.dirname(made))):
                raise InvalidValue("path", f"{self._snapshots} is where copies are made: name another folder")
            cursor = self._cursor()
            self._clear_snapshots()  # an earlier process may have been killed
            os.makedirs(self._snapshots, mode=0o700, exist_ok=True)
            copy = os.path.join(self._snapshots, _COPY)
            name = f"copy_{uuid4().hex}"  # the store's own is that of its file
            try:
                with self._session(cursor) as session:
                    session.use_all_cores()
                    cursor.execute(f"attach {_quoted(copy)} as {name} (storage_version '{_SHELL_READS}')")
                    try:
                        [(own,)] = cursor.execute("select current_database()").fetchall()
                        cursor.execute(f"copy from database {_identifier(own)} to {name}")
                    finally:
                        cursor.execute(f"detach {name}")
                        cursor.close()
                shutil.move(copy, made)
            finally:
                self._clear_snapshots()

    def _clear_snapshots(self) -> None:
        """Removes what a snapshot left unfinished, and nothing that isn't ours."""
        for name in (_COPY, f"{_COPY}.wal"):
            with suppress(OSError):
                os.remove(os.path.join(self._snapshots, name))
        with suppress(OSError):
            os.rmdir(self._snapshots)

    def health(self) -> None:
        """Returns if the store answers."""
        with self.read() as session:
            session.cursor.execute("select version from schema_version").fetchall()

    def close(self) -> None:
        """Closes the file; the log is written into it first."""
        if self._forked or self._closed:
            return
        with self._lock, self._reopening:
            self._closed = True
            for connection in (self._writer, self._root):
                if connection is not None:
                    with suppress(duckdb.Error):
                        connection.close()
            self._writer = self._root = None


class _Session:
    def __init__(self, cursor: Connection, use_all_cores: Callable[[_Session], None]) -> None:
        self.cursor = cursor
        self._use_all_cores = use_all_cores

    def rows(self, query: str, **parameters: object) -> list[Row]:
        """All rows that a query answers."""
        return self.cursor.execute(_statement(query), parameters).fetchall()

    def run(self, query: str, **parameters: object) -> None:
        """Runs a statement that changes something."""
        self.cursor.execute(_statement(query), parameters)

    def guard(self, query: str, **parameters: object) -> None:
        """Does nothing: no other writer is there."""

    def use_all_cores(self) -> None:
        """Has statements work on all cores until this ends."""
        self._use_all_cores(self)

    def append(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        """Adds rows to a table through DuckDB's Appender; a few of them by a statement, which is sooner done."""
        if 1 <= len(rows) <= _FEW:
            self.cursor.execute(
                _insert(table, len(rows[0])), [list(column) for column in zip(*rows, strict=True)]
            )
        else:
            if len(rows) >= _MANY:
                self.use_all_cores()
            with self.cursor.appender(table) as appender:
                appender.append_rows(rows)

    def clear(self, *tables: str) -> None:
        """Empties staging tables."""
        for table in tables:
            self.cursor.execute(f"truncate {table}")


@cache
def _statement(query: str) -> duckdb.Statement:
    """A query, parsed: DuckDB takes up to 3 ms to parse one, and copies it for each execution."""
    [statement] = duckdb.extract_statements(trigger_sql.query(query).text)
    return statement


@cache
def _insert(table: str, columns: int) -> duckdb.Statement:
    """An insert of rows that are given as a list for each column."""
    values = ", ".join(f"unnest(${number})" for number in range(1, columns + 1))
    [statement] = duckdb.extract_statements(f"insert into {table} select {values}")
    return statement


def _identifier(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    """A text as SQL writes it, where no parameter can stand."""
    return "'" + text.replace("'", "''") + "'"


def _make(path: str) -> None:
    """A new database file, whole from the first: one cut short by a kill or a full disk could not be opened."""
    made = f"{path}.{uuid4()}.new"
    try:
        duckdb.connect(made, config=_CONFIG).close()
        with suppress(OSError):  # another process was faster, or there are no links here
            os.link(made, path)
    finally:
        with suppress(FileNotFoundError):
            os.remove(made)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _migrate(connection: Connection, path: str) -> None:
    """Brings the schema to the newest version, in one transaction."""
    known = {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
    current = 0
    if known:
        if known >= _TABLES:
            [(current,)] = connection.execute("select max(version) from schema_version").fetchall()
        if type(current) is not int or current < 1:
            raise StoreError(f"{path} is a DuckDB database of something else: name another file")
    newest = trigger_sql.migrations()[-1][0]
    if current > newest:
        raise StoreTooNew(
            f"the store has schema version {current}, this library knows up to {newest}: install a newer trigger-core"
        )
    connection.begin()
    try:
        for number, text in trigger_sql.migrations():
            if number > current:
                for statement in duckdb.extract_statements(text):
                    connection.execute(statement)
                connection.execute(
                    "insert into schema_version values ($version, $now)",
                    {"version": number, "now": datetime.now(UTC).replace(tzinfo=None)},
                )
        if current < newest:
            for statement in duckdb.extract_statements(trigger_sql.script("views")):
                connection.execute(statement)
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):
            connection.rollback()
        raise


def _translated(error: duckdb.Error, path: str) -> Exception:
    """The library's error for one of DuckDB's, by what the caller can do."""
    text = str(error)
    if "Could not set lock on file" in text or "Conflicting lock" in text:
        holder = _HOLDER.search(text)
        process = f"process {holder[1]}" if holder else "another process"
        return StoreInUse(
            f"{path} is open in {process}; ask that one (trigger-core commands do), or take a snapshot"
        )
    if isinstance(error, duckdb.FatalException) or "database has been invalidated" in text:
        return StoreUnavailable(_FAILED)
    if isinstance(error, duckdb.IOException | duckdb.TransactionException | duckdb.OutOfMemoryException):
        if "No space left" in text or "write file" in text.lower():
            return StoreUnavailable("the disk is full; nothing was recorded: make room and try again")
        return StoreUnavailable(
            f"the database could not do it now; nothing was recorded: {_first_line(error)}"
        )
    if isinstance(error, duckdb.ConnectionException):
        return StoreClosed()
    return StoreError(f"the database refused a statement: {_first_line(error)}")
