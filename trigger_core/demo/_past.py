"""The past of the demo: all flows, as they ended in every way, recorded as a host does that sends by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Final
from uuid import UUID

from attrs import define, evolve, field, frozen

from trigger_core.demo._people import ACCOUNT, CURRENCY, PEOPLE, PRICES, Person
from trigger_core.facts import (
    CHANNELS,
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

_PROVIDERS: Final = {"email": "ses", "sms": "twilio", "whatsapp": "meta"}
_TITLES: Final = {"email": "Email", "sms": "SMS", "whatsapp": "WhatsApp"}

_REASONS: Final = (
    ("opted_out", "Contact opted out of this channel"),
    ("missing_address", "Contact has no address for this channel"),
    ("invalid_address", "Address is not valid"),
    ("duplicate_recipient", "Same address as an earlier contact"),
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
    """How an execution went.

    Attributes:
        jobs: how many contacts it has.
        begin: when work on it began, in seconds from the moment.
        seconds: how long the work took.
        sent: the share of contacts that were sent to.
        failed: the share that failed; the rest was filtered.
        late: for how many seconds delivery events went on.
        unfinished: whether work stopped half-way for good.
    """

    jobs: int
    begin: float
    seconds: float = 60
    sent: float = 0.9
    failed: float = 0.04
    late: float = 900
    unfinished: bool = False


@define
class Past:
    """What happened until a moment, as facts, worked out from a seed.

    >>> from datetime import UTC
    >>> past = Past(datetime(2025, 11, 23, 10, tzinfo=UTC), seed=7)
    >>> past.tell()
    >>> len(past.facts) > 5_000
    True
    """

    moment: datetime
    seed: int = 1
    facts: list[Fact] = field(init=False, factory=list)
    _dice: Random = field(init=False)
    _ids: Iterator[int] = field(init=False, factory=count)

    def __attrs_post_init__(self) -> None:
        self._dice = Random(f"{self.seed} {self.moment}")  # noqa: S311  no secret depends on it

    def tell(self) -> None:
        """Everything that is over when one begins to watch."""
        minute = 60.0
        self._direct("sms", "SMS Send - otp_us", Pace(250, -50 * minute, 130))
        self._direct("email", "Email Send - newsletter", Pace(600, -40 * minute, 330, late=3600))
        self._direct("whatsapp", "WhatsApp Send - order_shipped", Pace(250, -30 * minute, 200, late=2400))
        self._direct("email", "Email Send - wrong_sender", Pace(60, -25 * minute, 30, sent=0, failed=0.9))
        self._direct(
            "whatsapp", "WhatsApp Send - withdrawn", Pace(150, -15 * minute, 60, unfinished=True), cancel=-840
        )
        self._direct("email", "Email Send - nobody", Pace(0, -10 * minute))

        step = Pace(90, 0, 90)
        series = (
            (0, "email", "Welcome Email"),
            (1440, "sms", "Day 1 SMS"),
            (4320, "whatsapp", "Day 3 WhatsApp"),
        )
        day = 24 * 60 * minute
        self._steps("Welcome Series", -4 * day, series, [step, step, step])
        self._steps("Broken Series", -5 * day, series, [Pace(40, 0, 20, sent=0, failed=0.95)] * 3)
        self._steps("Stopped Series", -1.5 * day, series, [Pace(90, 0, 60), None, None], cancel=-1.4 * day)

        whole = {channel: Pace(jobs, 0, 180) for channel, jobs in zip(CHANNELS, (160, 130, 90), strict=True)}
        self._group("Multi-Channel OTP", -90 * minute, whole)
        self._group("Bad Template", -60 * minute, {channel: Pace(30, 0, 10, 0, 1) for channel in CHANNELS})
        self._group("Recall", -35 * minute, {"email": Pace(80, 0, 60), "sms": None}, cancel=-30 * minute)

    def _at(self, seconds: float) -> datetime:
        return self.moment + timedelta(seconds=seconds)

    def _happens(self, seconds: float, fact: Fact) -> None:
        """Adds a fact, unless it is none yet: an event that is still to come."""
        if seconds <= 0:
            self.facts.append(fact)

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
            currency=CURRENCY,
            created_at=self._at(created),
            **more,
        )
        self._happens(created, fact)
        return trigger_id

    def _direct(self, channel: str, name: str, pace: Pace, *, cancel: float | None = None) -> None:
        created = pace.begin - 2
        trigger_id = self._trigger(
            created, name, flow_type="direct_channel", trigger_type=channel, trigger_source="direct_api"
        )
        self._execution(trigger_id, channel, pace, created + 1, cancel)
        self._cancel(trigger_id, cancel)

    def _steps(
        self,
        name: str,
        start: float,
        steps: Sequence[tuple[int, str, str]],
        paces: Sequence[Pace | None],
        *,
        cancel: float | None = None,
    ) -> None:
        trigger_id = self._workflow(
            name,
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

    def _group(
        self, name: str, start: float, paces: Mapping[str, Pace | None], *, cancel: float | None = None
    ) -> None:
        trigger_id = self._workflow(
            name,
            start,
            type="template_group",
            template_group_id=f"tg-{next(self._ids)}",
            channels=tuple(paces),
        )
        for channel, pace in paces.items():
            if pace is not None:
                self._execution(trigger_id, channel, _moved(pace, start), start, cancel)
        self._cancel(trigger_id, cancel)

    def _workflow(self, name: str, start: float, **more: Any) -> str:
        number = next(self._ids)
        return self._trigger(
            start,
            name,
            flow_type="workflow",
            trigger_type="workflow",
            trigger_source="workflow_api",
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
        self._happens(
            planned,
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
        person = Person(job_id * 1237 % PEOPLE)
        job: dict[str, Any] = {"execution_id": execution_id, "job_id": job_id}
        lot = dice.random()
        reason = None
        if lot >= pace.sent + pace.failed:
            reason = _reason(dice, channel, person.country)
        address = None if reason and reason[0] == "missing_address" else person.address(channel)
        self._happens(planned, Job(**job, contact=person.external_id, address=address))
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
                cost=PRICES[channel],
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


def _moved(pace: Pace, begin: float) -> Pace:
    return evolve(pace, begin=begin)


def _reason(dice: Random, channel: str, country: str) -> tuple[str, str]:
    if (channel == "sms" and country == "IN") or dice.random() < 0.3:
        return "no_approved_template", f"No approved {_TITLES[channel]} template for country: {country}"
    return dice.choice(_REASONS)
