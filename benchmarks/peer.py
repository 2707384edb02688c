"""What a team would otherwise write, with care: a row for each job with its state, its counts asked for when needed.

The same document as ``Library.direct``'s, by ORM queries of SQLAlchemy (on PostgreSQL and SQLite), or by SQL by hand
(on PostgreSQL and DuckDB), behind a Falcon resource under waitress. Primary keys and indexes are those that the queries
want, connections are pooled, everything is aggregated in the database.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import duckdb
import falcon
import psycopg_pool
import sqlalchemy as sa
import waitress
from sqlalchemy import orm

from trigger_falcon._server import SETTINGS

CONTACTS: Final = 10
REASONS: Final = 20
EVENTS: Final = {
    "email": ("delivered", "opened", "clicked", "bounced", "complained", "unsubscribed"),
    "sms": ("delivered", "failed", "clicked", "opened", "bounced", "complained"),
    "whatsapp": ("delivered", "read", "failed", "replied"),
}
STATES: Final = ("sent", "failed", "filtered", "cancelled", "pending")


class Base(orm.DeclarativeBase):
    """The models."""


class Trigger(Base):
    __tablename__ = "triggers"
    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True)
    account: orm.Mapped[str]
    channel: orm.Mapped[str]
    currency: orm.Mapped[str]


class Execution(Base):
    __tablename__ = "executions"
    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True)
    trigger_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("triggers.id"), index=True)
    started_at: orm.Mapped[datetime | None]


class Job(Base):
    """One contact in an execution, with the first time of each event that was reported."""

    __tablename__ = "jobs"
    __table_args__ = (
        sa.Index("jobs_by_status", "execution_id", "status", "reason", "job_id"),
        sa.Index("jobs_by_address", "execution_id", "address"),
    )
    execution_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("executions.id"), primary_key=True)
    job_id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    contact: orm.Mapped[str]
    address: orm.Mapped[str | None]
    status: orm.Mapped[str]
    reason: orm.Mapped[str | None]
    segments: orm.Mapped[int | None]
    cost_millionths: orm.Mapped[int | None] = orm.mapped_column(sa.BigInteger)
    ended_at: orm.Mapped[datetime | None]
    delivered_at: orm.Mapped[datetime | None]
    failed_at: orm.Mapped[datetime | None]
    opened_at: orm.Mapped[datetime | None]
    clicked_at: orm.Mapped[datetime | None]
    read_at: orm.Mapped[datetime | None]
    replied_at: orm.Mapped[datetime | None]
    bounced_at: orm.Mapped[datetime | None]
    complained_at: orm.Mapped[datetime | None]
    unsubscribed_at: orm.Mapped[datetime | None]


Head = tuple[UUID, str, str, datetime | None]
Facts = tuple[Head, Sequence[Sequence[Any]], Sequence[Sequence[Any]]]


class Backend(Protocol):
    """Where a document's facts come from."""

    def facts(self, trigger_id: UUID) -> Facts:
        """Execution, channel, currency and start; a row of counts for each status and reason; contacts by reason."""

    def change(self, execution_id: UUID, job_id: int) -> None:
        """Records that a contact read the message."""


class Orm:
    """By ORM queries."""

    def __init__(self, url: str) -> None:
        self.engine = sa.create_engine(url, pool_size=SETTINGS["threads"])

    def facts(self, trigger_id: UUID) -> Facts:
        with orm.Session(self.engine) as session:
            head = session.execute(
                sa.select(Execution.id, Trigger.channel, Trigger.currency, Execution.started_at)
                .join(Trigger, Trigger.id == Execution.trigger_id)
                .where(Trigger.id == trigger_id)
            ).one()
            names = EVENTS[head.channel]
            of_it = Job.execution_id == head.id
            counts = session.execute(
                sa.select(
                    Job.status,
                    Job.reason,
                    sa.func.count(),
                    sa.func.sum(Job.segments),
                    sa.func.sum(Job.cost_millionths),
                    sa.func.max(Job.ended_at),
                    *(sa.func.count(getattr(Job, f"{name}_at")) for name in names),
                )
                .where(of_it)
                .group_by(Job.status, Job.reason)
            ).all()
            place = sa.func.row_number().over(partition_by=Job.reason, order_by=Job.job_id)
            first = (
                sa.select(
                    Job.reason,
                    sa.func.coalesce(Job.address, Job.contact).label("contact"),
                    place.label("place"),
                )
                .where(of_it, Job.status == "filtered")
                .subquery()
            )
            contacts = session.execute(
                sa.select(first.c.reason, first.c.contact)
                .where(first.c.place <= CONTACTS)
                .order_by(first.c.reason, first.c.place)
            ).all()
        return (head.id, head.channel, head.currency, head.started_at), counts, contacts

    def change(self, execution_id: UUID, job_id: int) -> None:
        with orm.Session(self.engine) as session, session.begin():
            session.execute(
                sa.update(Job)
                .where(Job.execution_id == execution_id, Job.job_id == job_id)
                .values(read_at=sa.func.coalesce(Job.read_at, datetime(2025, 3, 1)))  # noqa: DTZ001  as stored
            )


_HEAD: Final = """
select executions.id, triggers.channel, triggers.currency, executions.started_at
from executions inner join triggers on triggers.id = executions.trigger_id
where triggers.id = $id
"""
_COUNTS: Final = """
select status, reason, count(*), sum(segments), sum(cost_millionths), max(ended_at), {events}
from jobs
where execution_id = $id
group by status, reason
"""
_CONTACTS: Final = """
with placed as (
    select reason, coalesce(address, contact) as contact,
        row_number() over (partition by reason order by job_id) as place
    from jobs
    where execution_id = $id and status = 'filtered'
)

select reason, contact from placed where place <= 10 order by reason, place
"""
_CHANGE: Final = """
update jobs set read_at = coalesce(read_at, timestamp '2025-03-01') where execution_id = $id and job_id = $job_id
"""


class Sql:
    """By SQL, whatever runs it."""

    def rows(self, statements: Iterable[tuple[str, Mapping[str, object]]]) -> Iterator[list[Any]]:
        """The rows of each statement, all of them in one transaction."""
        raise NotImplementedError

    def facts(self, trigger_id: UUID) -> Facts:
        [[head]] = self.rows([(_HEAD, {"id": trigger_id})])
        events = ", ".join(f"count({name}_at)" for name in EVENTS[head[1]])
        of_it = {"id": head[0]}
        counts, contacts = self.rows([(_COUNTS.format(events=events), of_it), (_CONTACTS, of_it)])
        return head, counts, contacts

    def change(self, execution_id: UUID, job_id: int) -> None:
        list(self.rows([(_CHANGE, {"id": execution_id, "job_id": job_id})]))


class PostgresSql(Sql):
    def __init__(self, url: str) -> None:
        self.pool = psycopg_pool.ConnectionPool(url, min_size=4, max_size=SETTINGS["threads"], open=True)

    def rows(self, statements: Iterable[tuple[str, Mapping[str, object]]]) -> Iterator[list[Any]]:
        with self.pool.connection() as connection:
            for text, values in statements:
                for name in values:
                    text = text.replace(f"${name}", f"%({name})s")  # noqa: PLW2901
                cursor = connection.execute(text.encode(), values)
                yield cursor.fetchall() if cursor.description else []


class DuckDBSql(Sql):
    def __init__(self, path: str) -> None:
        self.connection = duckdb.connect(path)

    def rows(self, statements: Iterable[tuple[str, Mapping[str, object]]]) -> Iterator[list[Any]]:
        with self.connection.cursor() as cursor:
            cursor.begin()
            for text, values in statements:
                yield cursor.execute(text, dict(values)).fetchall()
            cursor.commit()


def document(trigger_id: UUID, facts: Facts) -> dict[str, object]:
    """The document, from what the database counted."""
    (execution_id, channel, currency, started_at), counts, contacts = facts
    jobs = dict.fromkeys(STATES, 0)
    events = dict.fromkeys(EVENTS[channel], 0)
    reasons: dict[str, int] = {}
    segments = cost = 0
    ended_at: datetime | None = None
    for status, reason, count, of_segments, of_cost, last, *of_events in counts:
        jobs[status] += count
        if status == "filtered":
            reasons[reason] = count
        if status == "sent":
            segments, cost = segments + int(of_segments or 0), cost + int(of_cost or 0)
        ended_at = max((at for at in (ended_at, last) if at), default=None)
        for name, n in zip(events, of_events, strict=True):
            events[name] += n
    shown: dict[str, list[str]] = {}
    for reason, contact in contacts:
        shown.setdefault(reason, []).append(contact)
    ordered = sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    total = sum(jobs.values())
    if jobs["pending"]:
        status, ended_at = "processing" if started_at else "pending", None
    elif jobs["cancelled"]:
        status = "cancelled"
    else:
        status = "failed" if jobs["failed"] and not jobs["sent"] else "completed"
    execution: dict[str, object] = {
        "id": str(execution_id),
        "status": status,
        "total_contacts": total,
        **{f"{name}_count": jobs[name] for name in ("sent", "failed", "filtered")},
    }
    if channel == "sms":
        execution["total_segments"] = segments
    execution |= {
        "estimated_cost": cost / 1_000_000,
        "currency": currency,
        "started_at": _time(started_at),
        "completed_at": _time(ended_at),
    }
    path = "messages" if channel == "email" else channel
    return {
        "trigger_id": str(trigger_id),
        "flow_type": "direct_channel",
        "channel": channel,
        "execution": execution,
        "jobs": {
            "total": total,
            **jobs,
            "filter_reasons": [
                {
                    "reason": reason,
                    "count": count,
                    "contacts": shown[reason],
                    **({"contacts_truncated": True} if count > CONTACTS else {}),
                }
                for reason, count in ordered[:REASONS]
            ],
            **({"filter_reasons_truncated": True} if len(ordered) > REASONS else {}),
        },
        "analytics": {"sent": jobs["sent"], **events},
        "execution_details_endpoint": f"/api/v1/{path}/executions/{execution_id}/jobs",
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="milliseconds") + "Z"


class Resource:
    """The document over HTTP."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def on_get(self, _: falcon.Request, resp: falcon.Response, trigger_id: UUID) -> None:
        made = document(trigger_id, self.backend.facts(trigger_id))
        resp.data = json.dumps(made, separators=(",", ":"), ensure_ascii=False).encode()


class Changes:
    """Changes one job."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def on_post(self, _: falcon.Request, resp: falcon.Response, execution_id: UUID, job_id: int) -> None:
        self.backend.change(execution_id, job_id)
        resp.data = b"{}"


KINDS: Final[dict[str, Callable[[str], Backend]]] = {"orm": Orm, "postgres": PostgresSql, "duckdb": DuckDBSql}


def main(*peers: str) -> None:
    """Serves until a signal comes, having printed the port.

    Args:
        peers: a path, a kind and a URL for each.
    """
    app = falcon.App()
    for path, kind, url in zip(peers[::3], peers[1::3], peers[2::3], strict=True):
        backend = KINDS[kind](url)
        app.add_route(path + "/direct/{trigger_id:uuid}", Resource(backend))
        app.add_route(path + "/change/{execution_id:uuid}/{job_id:int}", Changes(backend))
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = waitress.create_server(app, host="127.0.0.1", port=0, **SETTINGS)
    print(server.effective_port, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    server.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
