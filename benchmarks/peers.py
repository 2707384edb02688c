"""``Library.document`` over HTTP while its trigger changes, beside what a team would otherwise write (``peer``)."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

import duckdb
import sqlalchemy as sa
from attrs import define, field
from sqlalchemy.schema import CreateTable

from benchmarks import data
from benchmarks.client import ask, connections, request
from benchmarks.document import server
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, ratio
from benchmarks.peer import Base

GETS: Final = 5

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


@define
class Server:
    """Something that answers: a connection to it, the question, how a job is changed, and those that were."""

    connection: socket.socket
    get: bytes
    change: Callable[[int], bytes]
    changed: set[int] = field(factory=set)

    def tell(self, job_id: int) -> None:
        """Changes a job."""
        ask(self.connection, self.change(job_id))
        self.changed.add(job_id)

    def answer(self) -> bytes:
        """The document."""
        return ask(self.connection, self.get)[1]

    def turn(self, jobs: Iterator[int], gets: int) -> float:
        """Seconds for a GET, each after a change."""
        took = 0.0
        for _ in range(gets):
            self.tell(next(jobs))
            begin = perf_counter()
            self.answer()
            took += perf_counter() - begin
        return took / gets


def run(ground: Ground) -> Iterator[Figure]:
    """Changes one job, then asks, and times the asking; every peer gives the same document."""
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
        kinds = {
            "ORM queries on PostgreSQL": ("orm", _for_sqlalchemy(postgres)),
            "ORM queries on SQLite": ("orm", f"sqlite:///{lite}"),
            "plain SQL on PostgreSQL": ("postgres", postgres),
            "plain SQL on DuckDB": ("duckdb", str(file)),
        }
        peers = stack.enter_context(_peers(kinds, big))
        for store, name in (
            ("DuckDB", "ORM queries on PostgreSQL"),
            ("PostgreSQL", "ORM queries on PostgreSQL"),
            ("DuckDB", "ORM queries on SQLite"),
            ("PostgreSQL", "plain SQL on PostgreSQL"),
            ("DuckDB", "plain SQL on DuckDB"),
        ):
            our, their = ours[store], peers[name]
            turns = partial(their.turn, changes, 1), partial(our.turn, changes, GETS)
            ratios = [ratio(number, *turns) for number in range(-1, rounds)][1:]
            for one, other in ((our, their), (their, our)):
                for job_id in other.changed - one.changed:
                    one.tell(job_id)
            assert json.loads(our.answer()) == json.loads(their.answer()), name
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
def _ours(store: Path | str, send: data.Send) -> Iterator[Server]:
    """The library's server."""
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

        yield Server(connection, request(f"/api/v1/triggers/{send.trigger_id}/direct", access), change)


@contextmanager
def _peers(kinds: Mapping[str, tuple[str, str]], send: data.Send) -> Iterator[dict[str, Server]]:
    """The peers' servers, by name: one process, as only one of them is asked at a time."""
    paths = {name: f"/{number}" for number, name in enumerate(kinds)}
    told = [each for name, (kind, url) in kinds.items() for each in (paths[name], kind, url)]
    command = [sys.executable, "-m", "benchmarks.peer", *told]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            with connections(int(process.stdout.readline()), 1) as [connection]:
                yield {
                    name: Server(
                        connection,
                        request(f"{path}/direct/{send.trigger_id}"),
                        lambda job_id, path=path: request(  # type: ignore[misc]
                            f"{path}/change/{send.execution_id}/{job_id}", body="{}"
                        ),
                    )
                    for name, path in paths.items()
                }
        finally:
            process.send_signal(signal.SIGTERM)


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
