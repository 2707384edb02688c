"""``Library.document`` over HTTP while its trigger changes, beside what a team would otherwise write (``peer``)."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

import duckdb
import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from benchmarks import data
from benchmarks.client import ask, connections, request
from benchmarks.document import server
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, ratio
from benchmarks.peer import Base

GETS: Final = 5
Ours = tuple[socket.socket, bytes, Callable[[int], bytes]]

READ_AT: Final = "2025-03-01T00:00:00.000Z"

_ROWS: Final = {
    "triggers": "select trigger_id as id, account, trigger_type as channel, currency from store.triggers",
    "executions": "select execution_id as id, trigger_id, started_at from store.executions",
    "jobs": """
    select
        execution_id, job_id, contact, address,
        case
            when sent_at is not null then 'sent'
            when failed_at is not null then 'failed'
            when filtered_at is not null then 'filtered'
            when cancelled_at is not null then 'cancelled'
            else 'pending'
        end as status,
        case when filtered_at is not null then message end as reason,
        segments,
        (cost * 1000000)::bigint as cost_millionths,
        last_outcome_at as ended_at,
        min(occurred_at) filter (
            type in ('delivered', 'opened', 'clicked', 'read', 'replied', 'complained')
        ) as delivered_at,
        min(occurred_at) filter (type = 'failed') as failed_at,
        min(occurred_at) filter (type = 'opened') as opened_at,
        min(occurred_at) filter (type = 'clicked') as clicked_at,
        min(occurred_at) filter (type = 'read') as read_at,
        min(occurred_at) filter (type = 'replied') as replied_at,
        min(occurred_at) filter (type = 'bounced') as bounced_at,
        min(occurred_at) filter (type = 'complained') as complained_at,
        min(occurred_at) filter (type = 'unsubscribed') as unsubscribed_at
    from store.jobs
    left join store.events using (trigger_id, execution_id, job_id)
    group by all
    order by execution_id, job_id
    """,
}


def run(ground: Ground) -> Iterator[Figure]:
    """Changes one job, then asks, and times the asking; every peer first gives the same document."""
    sample, rounds = ground.sample, 2 * ground.sizes.slow.rounds
    big = sample.big
    file = ground.path("peers.duckdb")
    with ExitStack() as stack:
        postgres = ground.postgres.create_database()
        jobs = _fill_duckdb(file, sample)
        _fill_postgres(file, postgres)
        _fill_sqlite(file, lite := ground.path("peers.sqlite"))
        changes = iter(jobs)
        template = urlsplit(ground.on_postgres(sample)).path[1:]
        ours = {
            "DuckDB": stack.enter_context(_ours(stack.enter_context(ground.copy()), big)),
            "PostgreSQL": stack.enter_context(_ours(ground.postgres.create_database(template), big)),
        }
        for name, kind, url, stores in (
            ("ORM queries on PostgreSQL", "orm", _for_sqlalchemy(postgres), ("DuckDB", "PostgreSQL")),
            ("ORM queries on SQLite", "orm", f"sqlite:///{lite}", ("DuckDB",)),
            ("plain SQL on PostgreSQL", "postgres", postgres, ("PostgreSQL",)),
            ("plain SQL on DuckDB", "duckdb", str(file), ("DuckDB",)),
        ):
            with _peer(kind, url) as peer_port, connections(peer_port, 1) as [peer]:
                peer_get = request(f"/direct/{big.trigger_id}")

                def peer_change(job_id: int) -> bytes:
                    return request(f"/change/{big.execution_id}/{job_id}", body="{}")

                for store in stores:
                    connection, get, change = ours[store]
                    our = _turn(connection, get, change, changes, GETS)
                    theirs = _turn(peer, peer_get, peer_change, changes, 1)
                    ratios = [ratio(number, theirs, our) for number in range(-1, rounds)][1:]
                    for job_id in jobs[: jobs.index(next(changes))]:
                        ask(connection, change(job_id))
                        ask(peer, peer_change(job_id))
                    assert json.loads(ask(connection, get)[1]) == json.loads(ask(peer, peer_get)[1]), name
                    yield figure(
                        "peers",
                        f"GETs of a changing document, {big.jobs:,} jobs, on {store}: requests/s ÷ those of {name}",
                        ratios,
                        better="higher",
                        wanted="≥ 100" if name == "ORM queries on PostgreSQL" else "",
                    )
        lite.unlink()
        file.unlink()


@contextmanager
def _ours(store: Path | str, send: data.Send) -> Iterator[Ours]:
    """The library's server: a connection, the question, and how a job is changed."""
    with server("library", store) as (port, key), connections(port, 1) as [connection]:
        access = f"X-API-Key: {key}"

        def change(job_id: int) -> bytes:
            event = {
                "event_id": str(job_id),
                "type": "read",
                "occurred_at": READ_AT,
                "execution_id": send.execution_id,
                "job_id": str(job_id),
            }
            return request("/api/v1/events", access, body=json.dumps({"events": [event]}))

        yield connection, request(f"/api/v1/triggers/{send.trigger_id}/direct", access), change


def _turn(
    connection: socket.socket, get: bytes, change: Callable[[int], bytes], jobs: Iterator[int], gets: int
) -> Callable[[], float]:
    """Seconds for a GET, each after a change."""

    def turn() -> float:
        took = 0.0
        for _ in range(gets):
            ask(connection, change(next(jobs)))
            begin = perf_counter()
            ask(connection, get)
            took += perf_counter() - begin
        return took / gets

    return turn


def _fill_duckdb(file: Path, sample: data.Sample) -> list[int]:
    """The peers' tables, made from the sample store; jobs that can be changed."""
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"attach '{sample.path}' as store (read_only)")
        for table, rows in _ROWS.items():
            connection.execute(f"create table {table} as {rows}")
        jobs = connection.execute(
            "select job_id from jobs where execution_id = ? and delivered_at < '2025-03-01' and read_at is null"
            " order by hash(job_id) limit 1000",
            [sample.big.execution_id],
        ).fetchall()
    return [job_id for (job_id,) in jobs]


def _fill_postgres(file: Path, url: str) -> None:
    engine = sa.create_engine(_for_sqlalchemy(url))
    with engine.begin() as made:
        for table in Base.metadata.sorted_tables:
            made.execute(CreateTable(table))
    _index(engine)
    data.load(file, url, [table.name for table in Base.metadata.sorted_tables])


def _fill_sqlite(file: Path, target: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{target}")
    with engine.begin() as made:
        for table in Base.metadata.sorted_tables:
            made.execute(CreateTable(table))
    with duckdb.connect(str(file), read_only=True) as source, sqlite3.connect(target) as lite:
        lite.execute("pragma journal_mode = wal")
        for table in Base.metadata.sorted_tables:
            columns = ", ".join(_for_sqlite(column) for column in table.columns)
            source.execute(f"select {columns} from {table.name}")
            places = ", ".join("?" for _ in table.columns)
            while rows := source.fetchmany(100_000):
                lite.executemany(f"insert into {table.name} values ({places})", rows)
    lite.close()
    _index(engine)
    with engine.begin() as made:
        made.execute(sa.text("analyze"))


def _for_sqlite(column: sa.Column[object]) -> str:
    """A column's value as SQLAlchemy stores it in SQLite."""
    if column.type.python_type is datetime:
        return f"strftime({column.name}, '%Y-%m-%d %H:%M:%S.%f')"
    if isinstance(column.type, sa.Uuid):
        return f"replace({column.name}::varchar, '-', '')"
    return column.name


def _index(engine: sa.Engine) -> None:
    """Indexes are built faster once the rows are there."""
    with engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            for index in table.indexes:
                index.create(connection)
    engine.dispose()


def _for_sqlalchemy(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def _peer(kind: str, url: str) -> Iterator[int]:
    """A peer's server in a process of its own: its port."""
    command = [sys.executable, "-m", "benchmarks.peer", kind, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
