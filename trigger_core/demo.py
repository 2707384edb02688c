"""Example data that goes on by itself: all flows in every status, and what happens to them while one watches.

A story is worked out in advance, from a seed and a moment: facts with the times at which they happen. What lies in
the past is recorded at once, the rest when its time comes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from heapq import heappop, heappush
from itertools import count
from random import Random
from threading import Event as Signal
from threading import Thread
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

from attrs import define, evolve, field, frozen

from trigger_core.errors import TriggerCoreError
from trigger_core.facts import (
    Attempt,
    Cancel,
    Error,
    Event,
    Execution,
    Fact,
    Job,
    Outcome,
    Started,
    Step,
    Trigger,
    Workflow,
)
from trigger_core.library import Library

ACCOUNT: Final = "demo"
_CURRENCY: Final = "USD"
_CHANNELS: Final = ("email", "sms", "whatsapp")
_ENDPOINTS: Final = {"email": "messages", "sms": "sms", "whatsapp": "whatsapp"}
_PROVIDERS: Final = {"email": "ses", "sms": "twilio", "whatsapp": "meta"}
_TITLES: Final = {"email": "Email", "sms": "SMS", "whatsapp": "WhatsApp"}
_PRICES: Final = {"email": Decimal("0.0001"), "sms": Decimal("0.0079"), "whatsapp": Decimal("0.0147")}
_PEOPLE: Final = 4000
_TURN: Final = 0.25
_NEXT_CAMPAIGN: Final = 30
_DUE_STEP: Final = 20
"""Seconds from the start until the step that one can watch becomes due."""

_COUNTRIES: Final = (
    ("US", "1415555"),
    ("IN", "9184894"),
    ("GB", "4420794"),
    ("BR", "5511987"),
    ("DE", "4915123"),
)

_REASONS: Final = (
    ("opted_out", "Contact opted out of this channel"),
    ("missing_address", "Contact has no address for this channel"),
    ("invalid_address", "Address is not valid"),
    ("duplicate_recipient", "Address was reached already by another contact"),
    ("unknown_contact", "Contact is not known"),
)
_ERRORS: Final = (
    ("rejected", "The provider refused the message"),
    ("30006", "Landline or unreachable carrier"),
    ("throttled", "Too many requests"),
)
_FOLLOWING: Final = {
    "email": (
        ("delivered", 0.98),
        ("opened", 0.45),
        ("clicked", 0.12),
        ("bounced", 0.02),
        ("unsubscribed", 0.01),
    ),
    "sms": (("delivered", 0.97), ("failed", 0.02), ("clicked", 0.15)),
    "whatsapp": (("delivered", 0.97), ("read", 0.8), ("failed", 0.02), ("replied", 0.1)),
}
"""How often which event follows a sent message."""


@frozen
class Pace:
    """How an execution goes.

    Attributes:
        jobs: how many contacts it has.
        begin: when work on it begins, in seconds from the story's moment.
        seconds: how long the work takes.
        sent: the share of contacts that are sent to.
        failed: the share that fail; the rest is filtered.
        late: how many seconds delivery events go on.
        unfinished: whether work stops half-way for good.
    """

    jobs: int
    begin: float
    seconds: float = 60
    sent: float = 0.9
    failed: float = 0.04
    late: float = 900
    unfinished: bool = False


@define
class Story:
    """Facts and when they happen.

    >>> story = Story(datetime(2025, 11, 23, 10, tzinfo=UTC), seed=7)
    >>> story.open()
    >>> len(story.until(story.moment)) > 5_000
    True
    """

    moment: datetime
    seed: int = 1
    _dice: Random = field(init=False)
    _coming: list[tuple[datetime, int, Fact]] = field(init=False, factory=list)
    _order: Iterator[int] = field(init=False, factory=count)
    _ids: Iterator[int] = field(init=False, factory=count)
    examples: dict[str, str] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self._dice = Random(f"{self.seed} {self.moment}")  # noqa: S311  no secret depends on it

    def until(self, moment: datetime) -> list[Fact]:
        """Takes out what has happened by a moment, in order."""
        found = []
        while self._coming and self._coming[0][0] <= moment:
            found.append(heappop(self._coming)[2])
        return found

    def open(self) -> None:
        """Everything that is there when one begins to watch, and what will come of it."""
        minute = 60.0
        self.examples["direct"] = self._direct("sms", "SMS Send - otp_us", Pace(600, -50 * minute, 130))
        self._direct("email", "Email Send - newsletter", Pace(1600, -40 * minute, 330, late=3600))
        self._direct("whatsapp", "WhatsApp Send - order_shipped", Pace(600, -30 * minute, 200, late=2400))
        self._direct("sms", "SMS Send - flash_sale", Pace(500, -20, 240))
        self._direct("email", "Email Send - wrong_sender", Pace(60, -25 * minute, 30, sent=0, failed=0.9))
        self._direct(
            "whatsapp", "WhatsApp Send - withdrawn", Pace(150, -15 * minute, 60, unfinished=True), cancel=-840
        )
        self._direct("sms", "SMS Send - tonight", Pace(300, 8 * 3600), scheduled=8 * 3600)
        self._direct("email", "Email Send - nobody", Pace(0, -10 * minute))

        step = Pace(150, -3 * 24 * 60 * minute, 90)
        series = (
            (0, "email", "Welcome Email"),
            (1440, "sms", "Day 1 SMS"),
            (4320, "whatsapp", "Day 3 WhatsApp"),
        )
        day = 24 * 60 * minute
        self._steps("Welcome Series", -4 * day, series, [step, step, step])
        self.examples["steps"] = self._steps(
            "Onboarding",
            _DUE_STEP - minute,
            ((0, "email", "Welcome Email"), (1, "sms", "Reminder"), (1440, "whatsapp", "Day 1 WhatsApp")),
            [Pace(400, 0, 15, sent=0.93), Pace(300, 0, 120), None],
        )
        self._steps("Win Back", -2 * 3600, series, [Pace(200, 0, 60), None, None])
        self._steps("Renewal", 3600, series, [None, None, None])
        self._steps("Broken Series", -5 * day, series, [Pace(40, 0, 20, sent=0, failed=0.95)] * 3)
        self._steps("Stopped Series", -1.5 * day, series, [Pace(120, 0, 60), None, None], cancel=-1.4 * day)

        whole = {
            channel: Pace(jobs, 0, 180) for channel, jobs in zip(_CHANNELS, (300, 260, 180), strict=True)
        }
        self.examples["group"] = self._group("Multi-Channel OTP", -90 * minute, whole)
        self._group("Price Alert", -30, {channel: Pace(150, 0, 200) for channel in _CHANNELS})
        self._group("Half a Launch", -20 * minute, {"email": Pace(90, 0, 60), "sms": None, "whatsapp": None})
        self._group("Launch", 5 * 3600, dict.fromkeys(_CHANNELS))
        self._group("Bad Template", -60 * minute, {channel: Pace(30, 0, 10, 0, 1) for channel in _CHANNELS})
        self._group("Recall", -35 * minute, {"email": Pace(80, 0, 60), "sms": None}, cancel=-30 * minute)

    def campaign(self, begin: float) -> None:
        """One more direct send, begun so many seconds after the story's moment."""
        channel = self._dice.choice(_CHANNELS)
        name = self._dice.choice(("otp_us", "receipt", "reminder", "survey"))
        self._direct(
            channel,
            f"{_TITLES[channel]} Send - {name}",
            Pace(self._dice.randint(20, 80), begin, 20, late=120),
        )

    def _at(self, seconds: float) -> datetime:
        return self.moment + timedelta(seconds=seconds)

    def _happens(self, seconds: float, fact: Fact) -> None:
        heappush(self._coming, (self._at(seconds), next(self._order), fact))

    def _id(self, seconds: float) -> str:
        """A UUID of version 7 whose time is that of the event, so that rows of one time lie together."""
        milliseconds = int(self._at(seconds).timestamp() * 1000) & (1 << 48) - 1
        random = self._dice.getrandbits(62)
        return str(
            UUID(int=milliseconds << 80 | 7 << 76 | (next(self._ids) & 0xFFF) << 64 | 2 << 62 | random)
        )

    def _trigger(self, created: float, name: str, **more: Any) -> str:
        trigger_id = self._id(created)
        fact = Trigger(
            account=ACCOUNT,
            trigger_id=trigger_id,
            campaign_name=name,
            currency=_CURRENCY,
            created_at=self._at(created),
            **more,
        )
        self._happens(min(created, 0), fact)
        return trigger_id

    def _direct(
        self,
        channel: str,
        name: str,
        pace: Pace,
        *,
        cancel: float | None = None,
        scheduled: float | None = None,
    ) -> str:
        created = pace.begin - 2 if scheduled is None else -3600
        trigger_id = self._trigger(
            created,
            name,
            flow_type="direct_channel",
            trigger_type=channel,
            trigger_source="direct_api",
            scheduled_at=None if scheduled is None else self._at(scheduled),
        )
        planned = created + 1
        self._execution(trigger_id, channel, pace, planned, cancel)
        self._cancel(trigger_id, cancel)
        return trigger_id

    def _steps(
        self,
        name: str,
        start: float,
        steps: Sequence[tuple[int, str, str]],
        paces: Sequence[Pace | None],
        *,
        cancel: float | None = None,
    ) -> str:
        created = min(start, -1)
        trigger_id = self._workflow(
            name,
            created,
            start,
            type="steps",
            steps=[
                Step(
                    step_id=f"step-{order}",
                    step_order=order,
                    step_name=title,
                    channel=channel,
                    delay_minutes=delay,
                )
                for order, (delay, channel, title) in enumerate(steps, 1)
            ],
        )
        for order, ((delay, channel, _), pace) in enumerate(zip(steps, paces, strict=True), 1):
            if pace is not None:
                begin = start + delay * 60
                self._execution(trigger_id, channel, _moved(pace, begin), begin, cancel, f"step-{order}")
        self._cancel(trigger_id, cancel)
        return trigger_id

    def _group(
        self, name: str, start: float, paces: Mapping[str, Pace | None], *, cancel: float | None = None
    ) -> str:
        trigger_id = self._workflow(
            name,
            min(start, -1),
            start,
            type="template_group",
            template_group_id=f"tg-{next(self._ids)}",
            channels=tuple(paces),
        )
        for channel, pace in paces.items():
            if pace is not None:
                self._execution(trigger_id, channel, _moved(pace, start), start, cancel)
        self._cancel(trigger_id, cancel)
        return trigger_id

    def _workflow(self, name: str, created: float, start: float, **more: Any) -> str:
        number = next(self._ids)
        return self._trigger(
            created,
            name,
            flow_type="workflow",
            trigger_type="workflow",
            trigger_source="workflow_api",
            scheduled_at=None if start == created else self._at(start),
            workflow=Workflow(id=f"wf-{number}", name=name, execution_id=f"wfex-{number}", **more),
        )

    def _cancel(self, trigger_id: str, cancel: float | None) -> None:
        if cancel is not None:
            self._happens(cancel, Cancel(trigger_id=trigger_id, at=self._at(cancel)))

    def _execution(
        self,
        trigger_id: str,
        channel: str,
        pace: Pace,
        planned: float,
        cancel: float | None,
        step_id: str | None = None,
    ) -> None:
        execution_id = self._id(planned)
        self.examples.setdefault(
            f"jobs of {trigger_id}", f"{_ENDPOINTS[channel]}/executions/{execution_id}/jobs"
        )
        self._happens(
            min(planned, 0) if pace.begin > 3600 else planned,
            Execution(
                account=ACCOUNT,
                trigger_id=trigger_id,
                execution_id=execution_id,
                channel=channel,
                step_id=step_id,
                expected_jobs=pace.jobs,
            ),
        )
        if pace.jobs:
            self._happens(pace.begin, Started(execution_id=execution_id, at=self._at(pace.begin)))
        for job_id in range(1, pace.jobs + 1):
            self._job(execution_id, job_id, channel, pace, planned, cancel)

    def _job(
        self, execution_id: str, job_id: int, channel: str, pace: Pace, planned: float, cancel: float | None
    ) -> None:
        dice = self._dice
        person = job_id * 1237 % _PEOPLE
        country, prefix = _COUNTRIES[person % len(_COUNTRIES)]
        address = f"user{person}@example.com" if channel == "email" else f"+{prefix}{person:04}"
        contact = f"user_{person}"
        job: dict[str, Any] = {"execution_id": execution_id, "job_id": job_id}
        lot = dice.random()
        reason = None
        if lot >= pace.sent + pace.failed:
            reason = _reason(dice, channel, country)
        known_address = None if reason and reason[0] == "missing_address" else address
        self._happens(planned, Job(**job, contact=contact, address=known_address))
        moment = pace.begin + pace.seconds * job_id / (pace.jobs + 1)
        if (pace.unfinished and job_id > pace.jobs / 2) or (cancel is not None and moment > cancel):
            return
        at = self._at(moment)
        if reason is not None:
            self._happens(moment, Outcome(**job, outcome="filtered", at=at, code=reason[0], reason=reason[1]))
            return
        provider = _PROVIDERS[channel]
        if lot < pace.sent:
            self._sent(job, channel, moment, pace.late)
            return
        code, message = dice.choice(_ERRORS)
        error = Error(code=code, message=message)
        self._happens(moment, Attempt(**job, n=1, at=at, provider=provider, error=error))
        self._happens(moment, Outcome(**job, outcome="failed", at=at, provider=provider, error=error))

    def _sent(self, job: dict[str, Any], channel: str, moment: float, late: float) -> None:
        dice = self._dice
        at = self._at(moment)
        provider = _PROVIDERS[channel]
        message = f"{provider}-{dice.getrandbits(64):016x}"
        self._happens(moment, Attempt(**job, n=1, at=at, provider=provider))
        self._happens(
            moment,
            Outcome(
                **job,
                outcome="sent",
                at=at,
                provider=provider,
                provider_message_id=message,
                segments=1 if channel == "sms" else None,
                cost=_PRICES[channel],
            ),
        )
        for kind, share in _FOLLOWING[channel]:
            if dice.random() < share:
                later = moment + dice.expovariate(3 / late)
                self._happens(
                    later,
                    Event(
                        event_id=f"{message}:{kind}",
                        type=kind,
                        at=self._at(later),
                        account=ACCOUNT,
                        provider=provider,
                        provider_message_id=message,
                    ),
                )


class Demo:
    """A library filled with a story that goes on in a thread while the context lasts.

    Args:
        library: an open library.
        seed: decides what happens.
        now: when it begins; otherwise now.

    Attributes:
        key: an API key that opens the data.
        examples: the ids of a trigger of each flow, by ``direct``, ``steps`` and ``group``.
    """

    def __init__(self, library: Library, seed: int = 1, now: datetime | None = None) -> None:
        self._library = library
        self._story = Story(now or datetime.now(UTC), seed)
        self._stop = Signal()
        self._thread = Thread(target=self._go_on, name="trigger-core demo", daemon=True)
        self.key = ""
        self.examples = self._story.examples

    def __enter__(self) -> Self:
        self._story.open()
        self._library.record(self._story.until(self._story.moment))
        self.key = self._library.create_key(ACCOUNT, ["read", "send", "events", "catalog"], test=True).key
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _go_on(self) -> None:
        next_campaign = _NEXT_CAMPAIGN
        while not self._stop.wait(_TURN):
            now = datetime.now(UTC)
            if (now - self._story.moment).total_seconds() > next_campaign:
                self._story.campaign(next_campaign)
                next_campaign += _NEXT_CAMPAIGN
            try:
                self._library.record(self._story.until(now))
            except TriggerCoreError:
                logging.getLogger(__name__).exception("The demo can't go on.")
                return

    def introduction(self, url: str, store: str) -> str:
        """What to try, as text: the key, and commands that can be pasted into a shell."""
        examples = self.examples
        direct, steps, group = (examples[name] for name in ("direct", "steps", "group"))
        jobs = examples[f"jobs of {direct}"]
        tries = (
            ("The newest triggers", "triggers?limit=5"),
            ("A direct send: in short, then in detail", f"triggers/{direct}"),
            (None, f"triggers/{direct}/direct"),
            ("Who did not get it, and why", f"{jobs}?status=filtered&limit=5"),
            (
                f"A workflow with steps; its second step is due {_DUE_STEP} seconds after the start",
                f"triggers/{steps}/workflow",
            ),
            ("A template group, on all channels at once", f"triggers/{group}/workflow"),
        )
        lines = [
            f"Serving example data of the account {ACCOUNT} on {url}; Ctrl-C stops it.",
            "",
            f"API key: {self.key}",
        ]
        for title, path in tries:
            lines += ["", f"# {title}"] if title else []
            lines.append(f"curl -s -H 'X-API-Key: {self.key}' '{url}/api/v1/{path}'")
        lines += [
            "",
            "# Every number, derived again from what was recorded",
            f"trigger-core audit --store '{store}'",
        ]
        return "\n".join(lines)


def _moved(pace: Pace, begin: float) -> Pace:
    return evolve(pace, begin=begin)


def _reason(dice: Random, channel: str, country: str) -> tuple[str, str]:
    if (channel == "sms" and country == "IN") or dice.random() < 0.3:
        return "no_approved_template", f"No approved {_TITLES[channel]} template for country: {country}"
    return dice.choice(_REASONS)
