"""Parquet files, read by a DuckDB of their own: the store's may not look outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import duckdb

from trigger_core.errors import InvalidValue

_CHUNK: Final = 5000


def parquet_rows(path: str) -> tuple[int, Iterator[dict[str, Any]]]:
    """How many rows a Parquet file has, and the rows, by column.

    Raises:
        InvalidValue: it isn't a Parquet file, or is damaged.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = os.path.join(folder, "one.parquet")
    ...     _ = duckdb.execute(f"copy (select 'user_1' as external_id, ['sms'] as opted_out) to '{file}'")
    ...     count, rows = parquet_rows(file)
    ...     count, list(rows)
    (1, [{'external_id': 'user_1', 'opted_out': ['sms']}])
    """
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "allow_community_extensions": False,
            "python_enable_replacements": False,
            "memory_limit": "1GB",
            "threads": 1,
        }
    )
    # DuckDB shows one where it takes Python for a shell
    connection.execute("set enable_progress_bar = false")
    try:
        # a path may hold *, ? or [, which would name other files
        name = "".join(f"[{character}]" if character in "*?[" else character for character in path)
        [(count,)] = connection.execute("select count(*) from read_parquet($path)", {"path": name}).fetchall()
        cursor = connection.execute("select * from read_parquet($path)", {"path": name})
    except duckdb.Error as error:
        connection.close()
        raise _refused(error) from error
    return count, _fetched(connection, cursor)


def _fetched(
    connection: duckdb.DuckDBPyConnection, cursor: duckdb.DuckDBPyConnection
) -> Iterator[dict[str, Any]]:
    try:
        columns = [column[0] for column in cursor.description or ()]
        while rows := cursor.fetchmany(_CHUNK):
            for row in rows:
                yield dict(zip(columns, row, strict=True))
    except duckdb.Error as error:
        raise _refused(error) from error
    finally:
        connection.close()


def _refused(error: duckdb.Error) -> InvalidValue:
    return InvalidValue("source", f"can't be read as Parquet: {str(error).splitlines()[0]}")
