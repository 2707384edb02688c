"""Bytes on disk for each job that had a normal life, as recorded call by call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final
from uuid import UUID

import trigger_core
from benchmarks.data import ACCOUNT, PROVIDER
from benchmarks.ground import Ground, remove
from benchmarks.measure import Figure, figure
from benchmarks.record import START
from trigger_core.facts import Attempt, Event, Execution, Fact, Job, Outcome, Started, Trigger

CALL: Final = 10_000


def run(ground: Ground) -> Iterator[Figure]:
    """Records attempts, sent outcomes, delivered and opened events, with message ids of 36 characters."""
    jobs = ground.sizes.lives
    for name, each, wanted in (
        ("in campaigns of 1,000", 1000, "≤ 120"),
        ("each its own trigger", 1, "≤ 300"),
    ):
        path = ground.path("size.duckdb")
        recorded = compacted = 0
        with trigger_core.open(path) as library:
            for facts in _lives(jobs, each):
                library.record(facts)
        recorded = path.stat().st_size
        with trigger_core.open(path) as library:
            library.compact()
        compacted = path.stat().st_size
        remove(path)
        title = f"{jobs:,} jobs, {name}, with attempt, message id, sent, delivered and opened"
        yield figure("size", f"{title}: as recorded", [recorded / jobs], unit="bytes", wanted=wanted)
        yield figure("size", f"{title}: compacted", [compacted / jobs], unit="bytes", wanted=wanted)


def _lives(jobs: int, each: int) -> Iterator[list[Fact]]:
    """Three calls for so many jobs at a time: they are made, they are sent, and what becomes of the messages."""
    dice = Random(1)
    for begin in range(0, jobs, CALL):
        made: list[Fact] = []
        sent: list[Fact] = []
        told: list[Fact] = []
        for first in range(begin, min(jobs, begin + CALL), each):
            at = START + timedelta(milliseconds=50 * first)
            trigger_id, execution_id = (_uuid7(at, dice) for _ in range(2))
            made += [
                Trigger(
                    account=ACCOUNT,
                    trigger_id=trigger_id,
                    flow_type="direct_channel",
                    trigger_type="sms",
                    trigger_source="direct_api",
                    campaign_name="SMS Send - otp_us",
                    currency="USD",
                    created_at=at,
                ),
                Execution(account=ACCOUNT, trigger_id=trigger_id, execution_id=execution_id, channel="sms"),
                Started(execution_id=execution_id, at=at),
            ]
            for job_id in range(1, each + 1):
                one: dict[str, Any] = {"execution_id": execution_id, "job_id": job_id}
                handed = at + timedelta(milliseconds=3 * job_id)
                arrived = handed + timedelta(milliseconds=dice.randrange(500, 10_000))
                read = arrived + timedelta(milliseconds=dice.randrange(1_000, 100_000_000))
                message = str(UUID(int=dice.getrandbits(128), version=4))
                number = f"+1415{dice.randrange(10**7):07}"
                made.append(Job(**one, contact=f"user_{first + job_id}", address=number))
                sent.append(Attempt(**one, n=1, at=handed, provider=PROVIDER))
                sent.append(
                    Outcome(
                        **one,
                        outcome="sent",
                        at=handed,
                        provider=PROVIDER,
                        provider_message_id=message,
                        segments=1,
                        cost=Decimal("0.03"),
                    )
                )
                told.append(Event(event_id=f"{message} d", type="delivered", at=arrived, **one))
                told.append(Event(event_id=f"{message} o", type="opened", at=read, **one))
        yield from (made, sent, told)


def _uuid7(at: datetime, dice: Random) -> str:
    number = int(at.timestamp() * 1000) << 80 | dice.getrandbits(80)
    return str(UUID(int=number & ~(0xF << 76) & ~(0x3 << 62) | 7 << 76 | 2 << 62))
