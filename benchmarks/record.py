"""``Library.record`` in bulk: facts by the hundred thousand, beside DuckDB's Appender filling a plain table."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final
from uuid import UUID

import duckdb
from attrs import frozen

from benchmarks.data import ACCOUNT, PROVIDER
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, ratio, seconds
from trigger_core.facts import Attempt, Error, Event, Execution, Fact, Job, Outcome, Trigger

TRIGGER: Final = "01950000-0000-7000-8000-000000000001"
EXECUTION: Final = "01950000-0001-7000-8000-000000000001"
START: Final = datetime(2025, 3, 20, tzinfo=UTC)

_UUID: Final = UUID(EXECUTION)
_ERROR: Final = Error(code="30003", message="Unreachable")
_COST: Final = Decimal("0.03")
_SPREAD: Final = 0x9E3779B97F4A7C15F39CC0605CEDC835
"""Odd, so that multiples of it modulo 2**128 are all different, and far apart."""


def send(**execution: Any) -> list[Fact]:
    """A direct send newer than those of the sample store."""
    trigger = Trigger(
        account=ACCOUNT,
        trigger_id=TRIGGER,
        flow_type="direct_channel",
        trigger_type="sms",
        trigger_source="direct_api",
        campaign_name="SMS Send - otp_us",
        currency="USD",
        created_at=START,
    )
    return [
        trigger,
        Execution(account=ACCOUNT, trigger_id=TRIGGER, execution_id=EXECUTION, channel="sms", **execution),
    ]


@frozen
class Kind:
    """Facts of one kind: how the n-th is made, and its members as the columns of a plain table."""

    name: str
    fact: Callable[[int], Fact]
    columns: str
    row: Callable[[Any], tuple[object, ...]]


def _at(n: int) -> datetime:
    return START + timedelta(milliseconds=3 * n)


def _job(n: int) -> Job:
    return Job(execution_id=EXECUTION, job_id=n, contact=f"user_{n}", address=f"+1415{n:07}")


def _attempt(n: int) -> Attempt:
    return Attempt(execution_id=EXECUTION, job_id=n, n=1, at=_at(n), provider=PROVIDER)


def outcome(n: int, execution_id: str = EXECUTION) -> Outcome:
    """Of a hundred jobs three fail, two are filtered and the others are sent."""
    named: dict[str, Any] = {"execution_id": execution_id, "job_id": n, "at": _at(n)}
    if n % 100 < 3:
        return Outcome(**named, outcome="failed", provider=PROVIDER, error=_ERROR)
    if n % 100 < 5:
        reason = f"No approved template for country: {('IN', 'BR', 'FR', 'DE', 'US')[n % 5]}"
        return Outcome(**named, outcome="filtered", code="no_approved_template", reason=reason)
    return Outcome(
        **named,
        outcome="sent",
        provider=PROVIDER,
        provider_message_id=_message(n),
        segments=1,
        cost=_COST,
    )


def _message(n: int) -> str:
    return f"SM{n * _SPREAD % 2**128:032x}"


def event(n: int, execution_id: str = EXECUTION) -> Event:
    """The job's message was delivered."""
    return Event(event_id=f"e{n}", type="delivered", at=_at(n), execution_id=execution_id, job_id=n)


def _event_by_message(n: int) -> Event:
    return Event(
        event_id=f"c{n}",
        type="clicked",
        at=_at(n),
        account=ACCOUNT,
        provider=PROVIDER,
        provider_message_id=_message(n),
    )


_MEMBERS: Final = "execution_id uuid, job_id integer"

KINDS: Final = (
    Kind(
        "jobs",
        _job,
        f"{_MEMBERS}, contact varchar, address varchar",
        lambda fact: (_UUID, fact.job_id, fact.contact, fact.address),
    ),
    Kind(
        "attempts",
        _attempt,
        f"{_MEMBERS}, n integer, occurred_at timestamp, provider varchar, code varchar, message varchar,"
        " next_attempt_at timestamp",
        lambda fact: (_UUID, fact.job_id, fact.n, _naive(fact.at), fact.provider, None, None, None),
    ),
    Kind(
        "outcomes",
        outcome,
        f"{_MEMBERS}, outcome varchar, occurred_at timestamp, provider varchar, provider_message_id varchar,"
        " segments integer, cost decimal(18, 6), code varchar, reason varchar, error_code varchar,"
        " error_message varchar",
        lambda fact: (
            _UUID,
            fact.job_id,
            fact.outcome,
            _naive(fact.at),
            fact.provider,
            fact.provider_message_id,
            fact.segments,
            fact.cost,
            fact.code,
            fact.reason,
            fact.error and fact.error.code,
            fact.error and fact.error.message,
        ),
    ),
    Kind(
        "events",
        event,
        f"event_id varchar, type varchar, occurred_at timestamp, {_MEMBERS}",
        lambda fact: (fact.event_id, fact.type, _naive(fact.at), _UUID, fact.job_id),
    ),
    Kind(
        "events by message id",
        _event_by_message,
        "event_id varchar, type varchar, occurred_at timestamp, account varchar, provider varchar,"
        " provider_message_id varchar",
        lambda fact: (
            fact.event_id,
            fact.type,
            _naive(fact.at),
            fact.account,
            fact.provider,
            fact.provider_message_id,
        ),
    ),
)


def _naive(at: datetime) -> datetime:
    return at.replace(tzinfo=None)


def run(ground: Ground) -> Iterator[Figure]:
    """Records jobs, then what happens to them; a round is a call, and the Appender's turn with the same facts."""
    sizes = ground.sizes
    with ground.library() as library, ground.bare() as bare:
        library.record(send())
        for kind in KINDS:
            if kind.name == "events by message id":
                numbers = [n for n in range(1, sizes.bulk + 1) if n % 100 >= 5]
            else:
                numbers = list(range(1, sizes.bulk + 1))
            table = kind.name.replace(" ", "_")
            bare.execute(f"create table {table} ({kind.columns})")
            speeds = []
            for number, begin in enumerate(range(0, len(numbers), sizes.call)):
                facts = [kind.fact(n) for n in numbers[begin : begin + sizes.call]]
                rows = [kind.row(fact) for fact in facts]
                gc.collect()
                ours, floor = partial(library.record, facts), partial(append, bare, table, rows)
                speeds.append(1 / ratio(number, partial(seconds, ours), partial(seconds, floor)))
            yield figure(
                "record",
                f"{len(numbers):,} {kind.name}, {sizes.call:,} a call: facts/s ÷ rows/s of a bare Appender",
                speeds,
                better="higher",
                wanted="≥ 0.4" if kind.name == "outcomes" else "",
            )


def append(bare: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    bare.begin()
    with bare.appender(table) as appender:
        appender.append_rows(rows)
    bare.commit()
