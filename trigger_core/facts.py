"""The facts that a host records: what happened, when, and to whom.

A fact is checked and normalised when it is made, so an instance is always well formed: ids are lower-case UUIDs,
times are UTC and cut to milliseconds, money is a ``Decimal`` with at most six places. Text is taken for all of these,
as journals have it; type checkers ask for ``datetime`` and ``Decimal``, which are what an instance has.

>>> began = Started(execution_id="85B3B004-5331-4921-B44A-6915F5572A7A", at="2025-11-23T03:25:44.4999+01:00")
>>> to_json(began)
{'kind': 'started', 'execution_id': '85b3b004-5331-4921-b44a-6915f5572a7a', 'at': '2025-11-23T02:25:44.499Z'}
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from operator import attrgetter
from typing import Any, ClassVar, Final
from uuid import UUID

import attrs
from attrs import field, frozen

from trigger_core.errors import InvalidValue

__all__ = [
    "CHANNELS",
    "EVENT_TYPES",
    "FLOW_TYPES",
    "OUTCOMES",
    "TRIGGER_TYPES",
    "Attempt",
    "Cancel",
    "Error",
    "Event",
    "Execution",
    "Fact",
    "Job",
    "Outcome",
    "Started",
    "Step",
    "Trigger",
    "Workflow",
    "canonical",
    "from_json",
    "to_json",
]

CHANNELS: Final = ("email", "sms", "whatsapp")
FLOW_TYPES: Final = ("direct_channel", "workflow")
TRIGGER_TYPES: Final = (*CHANNELS, "workflow")
OUTCOMES: Final = ("sent", "failed", "filtered", "cancelled")
"""By rank: where a job has several outcomes, the first of these is shown."""
EVENT_TYPES: Final = (
    "delivered",
    "failed",
    "bounced",
    "opened",
    "clicked",
    "read",
    "replied",
    "complained",
    "unsubscribed",
)
IMPLY_DELIVERY: Final = frozenset({"delivered", "opened", "clicked", "read", "replied", "complained"})
"""Where one of these was reported, the message got there."""

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?")
_MICRO: Final = Decimal("0.000001")
_EXACT: Final = Context(prec=60)
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""What no text may have."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_COUNT: Final = 2**31 - 1
_MAX_DELAY: Final = 60 * 24 * 366 * 10
_MAX_COST: Final = Decimal(10**9)
MOST_SEGMENTS: Final = 10_000


def uuid(value: object, name: str) -> str:
    """The lower-case text of a UUID, or ``InvalidValue``."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, str) and _UUID.fullmatch(value):
        return value.lower()
    raise InvalidValue(name, "must be a UUID such as 780cab43-2de4-4ce0-a96b-aeeeed06346c")


def instant(value: object, name: str) -> datetime:
    """A time as UTC, cut to milliseconds, or ``InvalidValue``."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise InvalidValue(name, "must be a time such as 2025-11-23T02:25:28.090Z") from None
    if not isinstance(value, datetime):
        raise InvalidValue(name, "must be a time such as 2025-11-23T02:25:28.090Z")
    if value.tzinfo is None:
        raise InvalidValue(name, "needs an offset, such as Z or +01:00")
    try:
        moment = value if value.tzinfo is UTC else value.astimezone(UTC)
    except OverflowError:
        raise InvalidValue(name, "must lie in the years 1970 to 9999") from None
    if moment < _EPOCH:
        raise InvalidValue(name, "must lie in the years 1970 to 9999")
    if spare := moment.microsecond % 1000:
        moment = moment.replace(microsecond=moment.microsecond - spare)
    return moment


def text(value: object, name: str, most: int = 1000, least: int = 1) -> str:
    """A storable text of ``least`` to ``most`` characters, or ``InvalidValue``."""
    if not isinstance(value, str):
        raise InvalidValue(name, "must be text")
    if not least <= len(value) <= most:
        raise InvalidValue(name, f"must have {least} to {most} characters, not {len(value)}")
    if UNSTORABLE.search(value):
        raise InvalidValue(name, "must have no NUL and no lone surrogate")
    return value


def whole(value: object, name: str, least: int = 0, most: int = _MAX_COUNT) -> int:
    """A whole number within bounds, or ``InvalidValue``."""
    if type(value) is not int:
        raise InvalidValue(name, "must be a whole number")
    if not least <= value <= most:
        raise InvalidValue(name, f"must be {least} to {most}")
    return value


def money(value: object, name: str) -> Decimal:
    """An amount of at least zero with at most six decimals, or ``InvalidValue``."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise InvalidValue(name, 'must be a decimal such as "0.0300"')
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        raise InvalidValue(name, 'must be a decimal such as "0.0300"')
    amount = Decimal(value)
    if not amount.is_finite() or not 0 <= amount <= _MAX_COST:
        raise InvalidValue(name, f"must be 0 to {_MAX_COST}")
    rounded = amount.quantize(_MICRO, context=_EXACT)
    if rounded != amount:
        raise InvalidValue(name, "must have at most 6 decimals")
    return rounded.copy_abs()


def choice(value: object, name: str, options: Sequence[str]) -> str:
    """One of ``options``, or ``InvalidValue``."""
    if not isinstance(value, str) or value not in options:
        raise InvalidValue(name, f"must be one of {', '.join(options)}")
    return value


def checked(check: Callable[..., Any], *bounds: Any) -> dict[str, Any]:
    """The metadata of a field whose value goes through ``check``, which is told the field's name."""
    return {"check": (check, bounds)}


def checking(_: type[Any], fields: Sequence[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """Has the fields that are ``checked`` convert what they are given; where the default is None, None stays.

    A ``field`` with its own converter would say the same, but type checkers know of such calls no type for the value.
    What a class has for itself comes before what it inherits.
    """
    found = [one.evolve(converter=_converter(one)) if "check" in one.metadata else one for one in fields]
    return sorted(found, key=attrgetter("inherited"))


def _converter(member: attrs.Attribute[Any]) -> Any:
    check, bounds = member.metadata["check"]
    is_optional = member.default is None

    def convert(value: object, _self: object, attribute: attrs.Attribute[Any]) -> Any:
        if is_optional and value is None:
            return None
        return check(value, attribute.name, *bounds)

    return attrs.Converter(convert, takes_self=True, takes_field=True)


def _nested(value: object, name: str, cls: type[Any]) -> Any:
    """An instance of ``cls`` from an instance or an object; errors name the nested field."""
    if isinstance(value, cls):
        return value
    if not isinstance(value, Mapping):
        raise InvalidValue(name, "must be an object")
    try:
        return _build(cls, value)
    except InvalidValue as error:
        inside = (InvalidValue(f"{name}.{one.field}", one.problem) for one in error.all)
        raise InvalidValue.of(inside) from None


def _build(cls: type[Any], values: Mapping[str, object]) -> Any:
    known, required = _FIELDS.get(cls) or _fields(cls)
    if not required <= values.keys() <= known:
        raise _wrong(cls, values)
    try:
        return cls(**values)
    except InvalidValue as error:
        if error.others:
            raise
        raise _wrong(cls, values, error) from None


def _wrong(cls: type[Any], values: Mapping[str, object], found: InvalidValue | None = None) -> InvalidValue:
    """All that is wrong with the members of a fact: the first, with the others; or what was found if they are right."""
    known, required = _fields(cls)
    problem = f"is not a known key; known are {', '.join(sorted(known))}"
    errors = [InvalidValue(name, problem) for name in sorted(map(str, values.keys() - known))]
    errors += [InvalidValue(name, "is missing") for name in sorted(required - values.keys())]
    for member in attrs.fields(cls):
        if member.name in values and member.converter is not None:
            try:
                member.converter(values[member.name], None, member)
            except InvalidValue as error:
                errors += error.all
    if not errors and found is not None:
        return found
    return InvalidValue.of(errors)


_FIELDS: dict[type[Any], tuple[frozenset[str], frozenset[str]]] = {}


def _fields(cls: type[Any]) -> tuple[frozenset[str], frozenset[str]]:
    members = attrs.fields(cls)
    known = frozenset(member.name for member in members)
    required = frozenset(member.name for member in members if member.default is attrs.NOTHING)
    return _FIELDS.setdefault(cls, (known, required))


@frozen(kw_only=True, field_transformer=checking)
class Error:
    """What a sender or provider said was wrong."""

    code: str = field(metadata=checked(text, 200))
    message: str = field(metadata=checked(text, 1000, 0))


@frozen(kw_only=True, field_transformer=checking)
class Step:
    """One step of a workflow; ``delay_minutes`` counts from the workflow's start."""

    step_id: str = field(metadata=checked(text, 200))
    step_order: int = field(metadata=checked(whole, 0))
    step_name: str = field(metadata=checked(text, 200, 0))
    channel: str = field(metadata=checked(choice, CHANNELS))
    delay_minutes: int = field(metadata=checked(whole, 0, _MAX_DELAY))


def _steps(value: object, name: str) -> tuple[Step, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not 1 <= len(value) <= 50:
        raise InvalidValue(name, "must be a list of 1 to 50 steps")
    steps = tuple(_nested(step, f"{name}[{index}]", Step) for index, step in enumerate(value))
    for attribute in ("step_id", "step_order"):
        if len({getattr(step, attribute) for step in steps}) < len(steps):
            raise InvalidValue(name, f"must not repeat a {attribute}")
    return tuple(sorted(steps, key=lambda step: step.step_order))


def _channels(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise InvalidValue(name, "must be a list of channels")
    channels = tuple(choice(channel, name, CHANNELS) for channel in value)
    if len(set(channels)) < len(channels):
        raise InvalidValue(name, "must not repeat a channel")
    return channels


@frozen(kw_only=True, field_transformer=checking)
class Workflow:
    """What a workflow run goes through: steps one after another, or a template group's channels at once."""

    id: str = field(metadata=checked(text, 200))
    name: str = field(metadata=checked(text, 200))
    execution_id: str = field(metadata=checked(text, 200))
    type: str = field(metadata=checked(choice, ("steps", "template_group")))
    steps: tuple[Step, ...] | None = field(default=None, metadata=checked(_steps))
    template_group_id: str | None = field(default=None, metadata=checked(text, 200))
    channels: tuple[str, ...] | None = field(default=None, metadata=checked(_channels))

    def __attrs_post_init__(self) -> None:
        steps = self.type == "steps"
        for name, wanted in (("steps", steps), ("template_group_id", not steps), ("channels", not steps)):
            if (getattr(self, name) is not None) != wanted:
                raise InvalidValue(
                    name, f"is {'missing' if wanted else 'not for'} a workflow of type {self.type}"
                )


@frozen(kw_only=True, field_transformer=checking)
class Trigger:
    """A request to reach people was made."""

    kind: ClassVar[str] = "trigger"
    account: str = field(metadata=checked(text, 200))
    trigger_id: str = field(metadata=checked(uuid))
    flow_type: str = field(metadata=checked(choice, FLOW_TYPES))
    trigger_type: str = field(metadata=checked(choice, TRIGGER_TYPES))
    trigger_source: str = field(metadata=checked(text, 200))
    campaign_name: str = field(metadata=checked(text, 200, 0))
    currency: str = field()
    created_at: datetime = field(metadata=checked(instant))
    scheduled_at: datetime | None = field(default=None, metadata=checked(instant))
    workflow: Workflow | None = field(default=None, metadata=checked(_nested, Workflow))

    @currency.validator
    def _currency(self, _attribute: object, value: object) -> None:
        if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
            raise InvalidValue("currency", "must be a code of three capital letters, such as USD")

    def __attrs_post_init__(self) -> None:
        is_workflow = self.flow_type == "workflow"
        if is_workflow != (self.trigger_type == "workflow"):
            allowed = "workflow" if is_workflow else " or ".join(CHANNELS)
            raise InvalidValue("trigger_type", f"must be {allowed} where flow_type is {self.flow_type}")
        if is_workflow != (self.workflow is not None):
            raise InvalidValue(
                "workflow", f"is {'missing' if is_workflow else 'not for'} flow_type {self.flow_type}"
            )
        for step in (self.workflow and self.workflow.steps) or ():
            try:
                self.start + timedelta(minutes=step.delay_minutes)
            except OverflowError:
                raise InvalidValue("workflow.steps", "must be due before the year 10000") from None

    @property
    def start(self) -> datetime:
        """What a step's delay counts from."""
        return self.scheduled_at or self.created_at


@frozen(kw_only=True, field_transformer=checking)
class Execution:
    """A channel's share of a trigger exists; ``expected_jobs`` says how many jobs will be recorded at least."""

    kind: ClassVar[str] = "execution"
    account: str = field(metadata=checked(text, 200))
    trigger_id: str = field(metadata=checked(uuid))
    execution_id: str = field(metadata=checked(uuid))
    channel: str = field(metadata=checked(choice, CHANNELS))
    step_id: str | None = field(default=None, metadata=checked(text, 200))
    expected_jobs: int | None = field(default=None, metadata=checked(whole, 0))


@frozen(kw_only=True, field_transformer=checking)
class Started:
    """Work on an execution began."""

    kind: ClassVar[str] = "started"
    execution_id: str = field(metadata=checked(uuid))
    at: datetime = field(metadata=checked(instant))


@frozen(kw_only=True, field_transformer=checking)
class Job:
    """One contact belongs to an execution; ``address`` is an e-mail address or a phone number."""

    kind: ClassVar[str] = "job"
    execution_id: str = field(metadata=checked(uuid))
    job_id: int = field(metadata=checked(whole, 1))
    contact: str = field(metadata=checked(text, 200))
    address: str | None = field(default=None, metadata=checked(text, 400))


@frozen(kw_only=True, field_transformer=checking)
class Attempt:
    """The ``n``-th try to send a job; with ``error`` where it failed, ``next_attempt_at`` where it is tried again."""

    kind: ClassVar[str] = "attempt"
    execution_id: str = field(metadata=checked(uuid))
    job_id: int = field(metadata=checked(whole, 1))
    n: int = field(metadata=checked(whole, 1))
    at: datetime = field(metadata=checked(instant))
    provider: str | None = field(default=None, metadata=checked(text, 200))
    error: Error | None = field(default=None, metadata=checked(_nested, Error))
    next_attempt_at: datetime | None = field(default=None, metadata=checked(instant))


@frozen(kw_only=True, field_transformer=checking)
class Outcome:
    """How a job ended: ``sent``, ``failed`` with an error, ``filtered`` with code and reason, or ``cancelled``."""

    kind: ClassVar[str] = "outcome"
    execution_id: str = field(metadata=checked(uuid))
    job_id: int = field(metadata=checked(whole, 1))
    outcome: str = field(metadata=checked(choice, OUTCOMES))
    at: datetime = field(metadata=checked(instant))
    provider: str | None = field(default=None, metadata=checked(text, 200))
    provider_message_id: str | None = field(default=None, metadata=checked(text, 1000))
    segments: int | None = field(default=None, metadata=checked(whole, 0, MOST_SEGMENTS))
    cost: Decimal | None = field(default=None, metadata=checked(money))
    code: str | None = field(default=None, metadata=checked(text, 200))
    reason: str | None = field(default=None, metadata=checked(text, 200))
    error: Error | None = field(default=None, metadata=checked(_nested, Error))

    def __attrs_post_init__(self) -> None:
        outcome = self.outcome
        if (self.error is not None) != (outcome == "failed"):
            raise InvalidValue(
                "error", f"is {'missing' if self.error is None else 'not for'} an outcome {outcome}"
            )
        filtered = outcome == "filtered"
        for name, value in (("code", self.code), ("reason", self.reason)):
            if (value is not None) != filtered:
                raise InvalidValue(
                    name, f"is {'missing' if value is None else 'not for'} an outcome {outcome}"
                )
        if self.provider_message_id is not None and self.provider is None:
            raise InvalidValue("provider", "is missing beside provider_message_id")


@frozen(kw_only=True, field_transformer=checking)
class Event:
    """What a provider said later of a job, named by its ids or by the provider's message id."""

    kind: ClassVar[str] = "event"
    event_id: str = field(metadata=checked(text, 1000))
    type: str = field(metadata=checked(choice, EVENT_TYPES))
    at: datetime = field(metadata=checked(instant))
    execution_id: str | None = field(default=None, metadata=checked(uuid))
    job_id: int | None = field(default=None, metadata=checked(whole, 1))
    account: str | None = field(default=None, metadata=checked(text, 200))
    provider: str | None = field(default=None, metadata=checked(text, 200))
    provider_message_id: str | None = field(default=None, metadata=checked(text, 1000))

    def __attrs_post_init__(self) -> None:
        by_message = self.provider_message_id is not None or self.provider is not None
        target = ("account", "provider", "provider_message_id") if by_message else ("execution_id", "job_id")
        for name in ("execution_id", "job_id", "account", "provider", "provider_message_id"):
            if (getattr(self, name) is not None) != (name in target):
                problem = "is missing" if name in target else "is too much"
                beside = "account, provider" if name == "account" else "provider"
                raise InvalidValue(
                    name, f"{problem}: give execution_id and job_id, or {beside} and provider_message_id"
                )


@frozen(kw_only=True, field_transformer=checking)
class Cancel:
    """A trigger was cancelled: every job without an outcome is cancelled, and all that was still to come."""

    kind: ClassVar[str] = "cancel"
    trigger_id: str = field(metadata=checked(uuid))
    at: datetime = field(metadata=checked(instant))


Fact = Trigger | Execution | Started | Job | Attempt | Outcome | Event | Cancel

KINDS: Final[Mapping[str, type[Fact]]] = {
    cls.kind: cls for cls in (Trigger, Execution, Started, Job, Attempt, Outcome, Event, Cancel)
}
"""By name, in the order in which facts depend on each other."""


def from_json(values: object) -> Fact:
    """The fact that a journal line's parsed JSON describes.

    Raises:
        InvalidValue: naming the field that is missing, unknown or wrong.

    >>> from_json({"kind": "cancel", "trigger_id": "780cab43-2de4-4ce0-a96b-aeeeed06346c", "at": "yesterday"})
    Traceback (most recent call last):
    trigger_core.errors.InvalidValue: at: must be a time such as 2025-11-23T02:25:28.090Z
    """
    if not isinstance(values, Mapping):
        raise InvalidValue("kind", "is missing: a fact is an object with a kind")
    cls = KINDS.get(kind) if isinstance(kind := values.get("kind"), str) else None
    if cls is None:
        raise InvalidValue("kind", f"must be one of {', '.join(KINDS)}")
    members = dict(values)
    del members["kind"]
    fact: Fact = _build(cls, members)
    return fact


def to_json(fact: Fact) -> dict[str, Any]:
    """The journal's object for a fact: keys in the journal's order, absent values left out."""
    return {"kind": fact.kind, **_plain(fact)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if attrs.has(type(value)):
        return {
            member.name: _plain(member_value)
            for member in attrs.fields(type(value))
            if (member_value := getattr(value, member.name)) is not None
        }
    return value


def iso(moment: datetime) -> str:
    """UTC with three decimals and a Z, as every answer shows it."""
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def canonical(fact: Fact) -> str:
    """The text by which two facts of one time are ordered: compact JSON, keys sorted, absent values left out."""
    return json.dumps(to_json(fact), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
