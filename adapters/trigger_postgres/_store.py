"""A PostgreSQL database as a store for many processes.

Each write is a transaction that sees what others have committed, statement by statement, and first locks the rows that
it will change, in the order of their keys. Keys keep apart what two writers add at once: the second fails, and its
transaction is done again by whoever asked for it. Each answer is read from one snapshot.
"""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from select import POLLIN, poll
from time import monotonic
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import errors, pq
from psycopg.adapt import Dumper
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool, PoolTimeout

import trigger_sql
from trigger_core._new_file import new_file
from trigger_core.errors import (
    InvalidValue,
    StoreClosed,
    StoreConflict,
    StoreError,
    StoreForked,
    StoreInDoubt,
    StoreTooNew,
    StoreUnavailable,
)
from trigger_core.store import open_store

Row = tuple[Any, ...]
Dialect = trigger_sql.Dialect

_CONNECTIONS: Final = 24
"""How many connections a store has at most."""

_WAIT: Final = 3.0
"""Seconds that a caller waits for a connection."""

_TURN: Final = 0.25
"""Seconds after which he asks again: the pool tries to connect when it is asked, and soon gives up."""

_CONNECTION: Final[Mapping[str, Any]] = {
    "connect_timeout": 5,
    # A server that is gone without a word is given up after half a minute.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""How the server is reached, where the URL doesn't say."""

_SETTINGS: Final = {
    "statement_timeout": "15min",  # a million contacts are planned by one statement
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "0",  # who reads may take his time: he holds nobody up
    "synchronous_commit": "on",  # acknowledged means durable, whatever the database's default is
    "work_mem": "64MB",  # a batch of a hundred thousand facts is joined and sorted in memory
    "temp_buffers": "64MB",  # and so is it laid out
    "jit": "off",  # to compile a statement takes longer than any of these
}

_READ: Final = "begin isolation level repeatable read read only"
# A plan made for a few staged rows would be kept for a million of them; a process that hangs would hold its locks.
_WRITE: Final = (
    "begin isolation level read committed; set local plan_cache_mode = force_custom_plan; "
    "set local idle_in_transaction_session_timeout = '1min'"
)
_WRITE_AT_ONCE: Final = f"{_WRITE}; set local lock_timeout = '10ms'"

_MIGRATING: Final = 0x7472_6967_6765_7231
"""The advisory lock that one process holds while it brings the schema up to date and others wait."""

_FEW: Final = 20
"""Up to so many rows are inserted by one statement; COPY takes three round trips."""

_PAGES: Final = 64 * 1024
"""A staging table that takes no more bytes is emptied row by row; to truncate one takes as long as hundreds of rows."""

_LARGE: Final = (
    b"select t.name from unnest(%s::text[]) as t (name) where pg_relation_size(t.name::regclass) > %s"
)

_CHUNK: Final = 20_000
"""So many rows of a table are copied at a time."""

_PARAMETER: Final = re.compile(r"\$([a-z_]+)")

_PASSING: Final = (
    errors.ReadOnlySqlTransaction,  # a standby that is about to be the primary, or the other way round
    errors.IdleInTransactionSessionTimeout,
    errors.IdleSessionTimeout,
    errors.TransactionTimeout,
)
_TOGETHER: Final = (errors.UniqueViolation, errors.SerializationFailure, errors.DeadlockDetected)
_AGAIN: Final = "another process recorded the same at the same moment; nothing was recorded: try again"
_GONE: Final = "the database can't be reached now; nothing was recorded: try again"
_DOUBT: Final = "it may have been recorded: the connection to the database was lost while it committed"
_OLDEST: Final = 150_000
_INT4: Final = psycopg.adapters.types["int4"].oid
_TYPES: Final[dict[str, tuple[int, ...]]] = {}


class _Connection(psycopg.Connection[Row]):
    is_staged = False


class _Id(str):
    """Stands for the texts that the library has for UUIDs."""

    __slots__ = ()


class _IdDumper(Dumper):
    """Such a text as COPY's binary format has a UUID; everywhere else the server reads the text."""

    format = pq.Format.BINARY
    oid = psycopg.adapters.types["uuid"].oid

    def dump(self, obj: UUID | str) -> bytes:
        return obj.bytes if isinstance(obj, UUID) else bytes.fromhex(obj.replace("-", ""))


class PostgresStore:
    """A store in a PostgreSQL database, 15 or newer; its tables are made where the connection's search_path begins.

    Args:
        address: what follows ``postgresql://``: ``user:password@host:port/database``, with any of libpq's parameters
            behind a question mark.

    Raises:
        InvalidValue: the address is none.
        StoreUnavailable: the database doesn't answer, or lets nobody in; it says why.
        StoreTooNew: a newer version of this library made the tables.
        StoreError: the database can't be used: it is too old, not in UTF-8, or has tables of something else.
    """

    dialect: Dialect = "postgres"
    sees_every_write = False
    one_writer = False

    def __init__(self, address: str) -> None:
        conninfo = f"postgresql://{address}"
        try:
            given = conninfo_to_dict(conninfo)
            self.url = _without_password(given)
        except psycopg.ProgrammingError:  # its text may hold the password
            raise InvalidValue(
                "store", "must be a URL as libpq takes it, such as postgresql://user@host:5432/database"
            ) from None
        self._process = os.getpid()
        self._closed = False
        trigger_sql.script("staging", "postgres")  # reads all now, not in many threads when first asked
        options = {name: value for name, value in _CONNECTION.items() if name not in given}
        try:
            with psycopg.connect(conninfo, autocommit=True, client_encoding="utf8", **options) as connection:
                _check_server(connection)
                _migrate(connection)
        except psycopg.OperationalError as error:
            if error.sqlstate is not None:
                raise _translated(error) from error
            raise StoreUnavailable(
                f"the database can't be reached now: {' '.join(str(error).split())}"
            ) from error
        except psycopg.Error as error:
            raise _translated(error) from error
        self._pool: ConnectionPool[_Connection] = ConnectionPool(
            conninfo,
            connection_class=_Connection,
            kwargs={"autocommit": True, "client_encoding": "utf8", "prepare_threshold": 1, **options},
            min_size=1,
            max_size=_CONNECTIONS,
            timeout=_WAIT,
            reconnect_timeout=_TURN,
            max_idle=600,
            configure=_configure,
            check=_check_alive,
            open=True,
            name="trigger-core",
        )
        try:
            self._pool.wait(_WAIT)
        except PoolTimeout as error:
            self._pool.close()
            raise StoreUnavailable(_GONE) from error

    def check(self) -> None:
        """Returns if the store is open in this process."""
        if os.getpid() != self._process:
            raise StoreForked
        if self._closed:
            raise StoreClosed

    @contextmanager
    def read(self) -> Iterator[_Session]:
        """A transaction whose reads all see one state."""
        with self._connection() as connection:
            connection.execute(_READ)
            yield _Session(connection)

    @contextmanager
    def write(self, *, wait: bool = True) -> Iterator[_Session]:
        """A transaction that is durable once left without an error.

        Raises:
            StoreConflict: another process got in the way; the transaction may be done again.
            StoreInDoubt: the connection was lost during the commit.
            StoreUnavailable: rows are locked by others, for too long or, where ``wait`` is false, at all.
        """
        with self._connection() as connection:
            _stage(connection)
            connection.execute(_WRITE if wait else _WRITE_AT_ONCE)
            yield _Session(connection)
            try:
                connection.commit()
            except psycopg.OperationalError as error:
                if connection.broken:
                    raise StoreInDoubt(_DOUBT) from error
                raise

    @contextmanager
    def workspace(self) -> Iterator[_Session]:
        """Staging tables of one's own, each statement a transaction."""
        with self._connection() as connection:
            _stage(connection)
            try:
                yield _Session(connection)
            finally:
                with suppress(psycopg.Error):
                    connection.execute("discard temp")
                    connection.is_staged = False

    @contextmanager
    def _connection(self) -> Iterator[_Connection]:
        connection = self._taken()
        try:
            yield connection
        except psycopg.Error as error:
            if isinstance(error, errors.ReadOnlySqlTransaction):
                connection.close()  # another one may lead to where one can write
            if self._closed:
                raise StoreClosed from error
            raise _translated(error) from error
        finally:
            with suppress(psycopg.Error):
                if connection.info.transaction_status is pq.TransactionStatus.ACTIVE:
                    connection.close()  # interrupted in the midst of a statement
                elif connection.info.transaction_status is not pq.TransactionStatus.IDLE:
                    connection.rollback()
            self._pool.putconn(connection)

    def _taken(self) -> _Connection:
        deadline = monotonic() + _WAIT
        while True:
            self.check()
            try:
                return self._pool.getconn(_TURN)
            except PoolTimeout as error:
                if monotonic() >= deadline:
                    raise StoreUnavailable(_GONE) from error
            except psycopg.Error as error:
                if self._closed:
                    raise StoreClosed from error
                raise _translated(error) from error

    def rows(self, query: str, **parameters: object) -> list[Row]:
        """All rows that a query answers by itself, in one round trip."""
        with self._connection() as connection:
            return connection.execute(_statement(query), parameters).fetchall()

    def table(self, text: str, parameters: dict[str, object]) -> tuple[tuple[str, ...], list[Row]]:
        """The columns and rows of one reading statement."""
        with self._connection() as connection:
            connection.execute(_READ)
            cursor = connection.execute(_bindable(text), parameters)
            return tuple(column.name for column in cursor.description or ()), cursor.fetchall()

    def snapshot(self, path: str) -> None:
        """Writes a consistent copy of the database to a new DuckDB file, while others read and write.

        Raises:
            InvalidValue: there is a file of that name already, or no such folder.
        """
        with (
            new_file(path) as made,
            closing(open_store(f"duckdb://{made}")) as copy,
            self._connection() as connection,
        ):
            connection.execute(_READ)
            for table in trigger_sql.tables():
                for rows in _chunks(connection, table):
                    with copy.write() as session:
                        session.append(table, rows)

    def distribute(self) -> bool:
        """Spreads the tables over the machines of a Citus cluster, all of them or none.

        Returns:
            Whether they weren't yet.

        Raises:
            StoreError: the server or the database has no Citus, or it refuses.
        """
        with self._connection() as connection, connection.transaction():
            connection.execute("set local lock_timeout = 0; set local statement_timeout = 0")
            connection.execute("select pg_advisory_xact_lock(%s)", [_MIGRATING])
            _check_citus(connection)
            if _is_distributed(connection):
                return False
            connection.execute(trigger_sql.script("distribution", "postgres").encode())
            return True

    def compacted(self) -> None:
        """Lets the database use what a compaction freed."""
        with self._connection() as connection:
            connection.execute("vacuum (analyze) tally, samples")

    def health(self) -> None:
        """Returns if the store answers."""
        with self._connection() as connection:
            connection.execute("select version from schema_version").fetchall()

    def close(self) -> None:
        """Closes every connection."""
        if os.getpid() == self._process and not self._closed:
            self._closed = True
            self._pool.close()


class _Session:
    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    def rows(self, query: str, **parameters: object) -> list[Row]:
        """All rows that a query answers."""
        return self._connection.execute(_statement(query), parameters).fetchall()

    def run(self, query: str, **parameters: object) -> None:
        """Runs a statement that changes something."""
        self._connection.execute(_statement(query), parameters)

    def guard(self, query: str, **parameters: object) -> None:
        """Keeps other writers from coming in between: locks rows, or takes a key."""
        self.run(query, **parameters)

    def use_all_cores(self) -> None:
        """Does nothing: the server decides."""

    def append(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        """Adds rows to a table: a few by one statement, more by COPY."""
        if 1 <= len(rows) <= _FEW:
            row = f"({', '.join(['%s'] * len(rows[0]))})"
            text = f"insert into {table} values {', '.join([row] * len(rows))}"  # noqa: S608  names are our own
            self._connection.execute(text.encode(), [*chain.from_iterable(rows)])
            return
        types = _types(self._connection, table)
        _check_integers(table, types, rows)
        text = f"copy {table} from stdin (format binary)"
        try:
            with self._connection.cursor() as cursor, cursor.copy(text.encode()) as copy:
                copy.set_types(types)
                for values in rows:
                    copy.write_row(values)
        except (TypeError, ValueError, AttributeError) as error:
            raise StoreError(f"a value is of another type than its column of {table}") from error

    def clear(self, *tables: str) -> None:
        """Empties staging tables."""
        if not tables:
            return
        large = {name for (name,) in self._connection.execute(_LARGE, [[*tables], _PAGES]).fetchall()}
        texts = [f"{'truncate' if name in large else 'delete from'} {name}" for name in tables]
        self._connection.execute("; ".join(texts).encode(), prepare=False)


@cache
def _statement(query: str) -> bytes:
    return _bindable(trigger_sql.query(query, "postgres").text)


def _bindable(text: str) -> bytes:
    """A statement with its parameters as psycopg writes them."""
    return _PARAMETER.sub(r"%(\1)s", text.replace("%", "%%")).encode()


def _chunks(connection: _Connection, table: str) -> Iterator[list[Row]]:
    """A table's rows, some at a time."""
    with connection.cursor(name="snapshot") as cursor:
        cursor.execute(f"select * from {table}".encode())  # noqa: S608  names are our own
        while rows := cursor.fetchmany(_CHUNK):
            yield rows


def _stage(connection: _Connection) -> None:
    """Makes the staging tables that a writer's connection needs."""
    if not connection.is_staged:
        connection.execute(trigger_sql.script("staging", "postgres").encode())
        # Of a table that was never looked at ten pages are expected, so that whole batches are sorted to be joined.
        connection.execute(b"analyze staged_places")
        connection.is_staged = True


def _types(connection: _Connection, table: str) -> tuple[int, ...]:
    """The types of a table's columns, which are the same in every database."""
    if table not in _TYPES:
        cursor = connection.execute(f"select * from {table} limit 0".encode())  # noqa: S608  names are our own
        _TYPES[table] = tuple(column.type_code for column in cursor.description or ())
    return _TYPES[table]


def _check_integers(table: str, types: Sequence[int], rows: Sequence[Sequence[Any]]) -> None:
    """Refuses numbers that psycopg would cut to the four bytes of their columns."""
    for place, kind in enumerate(types):
        if kind == _INT4:
            numbers = [value for row in rows if (value := row[place]) is not None]
            try:
                array("i", numbers)
            except OverflowError as error:
                raise StoreError(f"a number is too large for its column of {table}") from error
            except TypeError as error:
                raise StoreError(f"a value is of another type than its column of {table}") from error


def _configure(connection: psycopg.Connection[Any]) -> None:
    connection.adapters.register_dumper(_Id, _IdDumper)
    connection.prepared_max = 1000
    sets = ", ".join("set_config(%s, %s, false)" for _ in _SETTINGS)
    connection.execute(f"select {sets}".encode(), [*chain.from_iterable(_SETTINGS.items())])


def _check_alive(connection: psycopg.Connection[Any]) -> None:
    """Asks the server only where it has said something unasked: that it, or the connection, ends."""
    said = poll()  # unlike select, whatever the descriptor's number
    said.register(connection.fileno(), POLLIN)
    if said.poll(0):
        ConnectionPool.check_connection(connection)


def _check_server(connection: psycopg.Connection[Any]) -> None:
    version = connection.info.server_version
    if version < _OLDEST:
        raise StoreError(f"the server is PostgreSQL {version // 10_000}: 15 or newer is needed")
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreError(f"the database is encoded in {encoding}: make one with encoding 'UTF8'")


def _check_citus(connection: psycopg.Connection[Any]) -> None:
    """Raises an error that says what is missing, unless the database has Citus."""
    found = connection.execute(
        "select installed_version from pg_available_extensions where name = 'citus'"
    ).fetchone()
    if found is None:
        raise StoreError(
            "the server has no Citus extension, so nothing was distributed: install Citus on every machine of the "
            "cluster, put it into shared_preload_libraries, and run 'create extension citus' in the database"
        )
    if found[0] is None:
        raise StoreError(
            "the database has no Citus extension, though the server has, so nothing was distributed: run 'create "
            "extension citus' in it, and name its machines with citus_add_node"
        )


def _is_distributed(connection: psycopg.Connection[Any]) -> bool:
    """Whether the tables of a database with Citus are spread: all are, or none is."""
    found = connection.execute(
        "select 1 from pg_dist_partition where logicalrelid = 'triggers'::regclass"
    ).fetchone()
    return found is not None


def _migrate(connection: psycopg.Connection[Any]) -> None:
    """Brings the schema to the newest version, in one transaction; others wait until it is."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_MIGRATING])
        current = _version(connection)
        newest = trigger_sql.migrations()[-1][0]
        if current > newest:
            raise StoreTooNew(
                f"the store has schema version {current}, this library knows up to {newest}: "
                "install a newer trigger-core"
            )
        if current == newest:
            return
        for number, text in trigger_sql.migrations("postgres"):
            if number > current:
                connection.execute(text.encode())
                connection.execute(
                    "insert into schema_version values (%s, %s)",
                    [number, datetime.now(UTC).replace(tzinfo=None)],
                )
        connection.execute(trigger_sql.script("views", "postgres").encode())


def _version(connection: psycopg.Connection[Any]) -> int:
    """The schema's version; 0 where there is none."""
    known = {
        name
        for (name,) in connection.execute(
            "select table_name from information_schema.tables where table_schema = current_schema()"
        )
    }
    if "schema_version" not in known:
        if ours := sorted(known & {"triggers", "executions", "jobs", "tally", "accounts"}):
            raise StoreError(
                f"the database has tables of something else, such as {ours[0]}: name another database, or a schema "
                "of its own by ?options=-csearch_path%3Dname"
            )
        return 0
    row = connection.execute("select max(version) from schema_version").fetchone()
    return 0 if row is None or row[0] is None else int(row[0])


def _without_password(parts: Mapping[str, Any]) -> str:
    """A URL that may be shown."""
    host = parts.get("host") or ""
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"postgresql://{host}{port}/{parts.get('dbname') or ''}"


def _translated(error: psycopg.Error) -> Exception:
    """The library's error for one of PostgreSQL's, by what the caller can do."""
    said = error.diag.message_primary or type(error).__name__  # never the detail, which names rows
    if isinstance(error, _TOGETHER):
        return StoreConflict(_AGAIN)
    if isinstance(error, errors.DiskFull):
        return StoreUnavailable("the database's disk is full; nothing was recorded: make room and try again")
    if isinstance(error, errors.ProgramLimitExceeded):
        return StoreError(f"the database can't hold that: {said}")
    if isinstance(error, _PASSING):
        return StoreUnavailable(f"the database could not do it now; nothing was recorded: {said}")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        if error.sqlstate is None or error.sqlstate[:2] in {"08", "57"}:
            return StoreUnavailable(_GONE if error.sqlstate != "57014" else f"{said}; nothing was recorded")
        return StoreUnavailable(f"the database could not do it now; nothing was recorded: {said}")
    return StoreError(f"the database refused a statement: {said}")
