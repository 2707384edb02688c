"""What the library answers: one frozen class for each thing the API names, and their exact JSON.

Every number is derived from recorded facts when it is asked for. Money is a ``Decimal`` here and a number in JSON;
times are UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Literal, TypeVar

import attrs
from attrs import frozen

from trigger_core.facts import iso

Status = Literal["pending", "processing", "completed", "failed", "cancelled"]
StepStatus = Literal["pending", "scheduled", "processing", "completed", "failed", "cancelled"]
JobStatus = Literal["pending", "sent", "failed", "filtered", "cancelled"]
Channel = Literal["email", "sms", "whatsapp"]
FlowType = Literal["direct_channel", "workflow"]
TriggerType = Literal["email", "sms", "whatsapp", "workflow"]


@frozen(kw_only=True)
class Summary:
    """A trigger's contacts, and how many jobs ended how over all its executions."""

    total_contacts: int
    sent: int
    failed: int
    filtered: int


@frozen(kw_only=True)
class Trigger:
    """Tier 1: one request to reach people, and where its details are."""

    id: str
    flow_type: FlowType
    trigger_type: TriggerType
    trigger_source: str
    campaign_name: str
    status: Status
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    scheduled_at: datetime | None
    duration_seconds: float | None
    summary: Summary
    details_endpoint: str


@frozen(kw_only=True)
class Execution:
    """One channel's share of a trigger. ``total_segments`` is there for SMS only."""

    id: str
    status: Status
    total_contacts: int
    sent_count: int
    failed_count: int
    filtered_count: int
    total_segments: int | None = None
    estimated_cost: Decimal
    currency: str
    started_at: datetime | None
    completed_at: datetime | None


@frozen(kw_only=True)
class FilterReason:
    """How many contacts were left out for one reason, and the first of them."""

    reason: str
    count: int
    contacts: tuple[str, ...]
    contacts_truncated: bool = False


@frozen(kw_only=True)
class JobCounts:
    """How an execution's jobs ended; ``total`` is the sum of the five counts after it."""

    total: int
    sent: int
    failed: int
    filtered: int
    cancelled: int
    pending: int
    filter_reasons: tuple[FilterReason, ...]
    filter_reasons_truncated: bool = False


@frozen(kw_only=True)
class EmailAnalytics:
    """Jobs that reached each delivery event, by e-mail."""

    sent: int
    delivered: int
    opened: int
    clicked: int
    bounced: int
    complained: int
    unsubscribed: int


@frozen(kw_only=True)
class SmsAnalytics:
    """Jobs that reached each delivery event, by SMS; ``failed`` is accepted, then reported undeliverable."""

    sent: int
    delivered: int
    failed: int
    clicked: int
    opened: int
    bounced: int
    complained: int


@frozen(kw_only=True)
class WhatsappAnalytics:
    """Jobs that reached each delivery event, by WhatsApp; ``failed`` is accepted, then reported undeliverable."""

    sent: int
    delivered: int
    read: int
    failed: int
    replied: int


Analytics = EmailAnalytics | SmsAnalytics | WhatsappAnalytics
ANALYTICS: Mapping[str, type[Analytics]] = {
    "email": EmailAnalytics,
    "sms": SmsAnalytics,
    "whatsapp": WhatsappAnalytics,
}


@cache
def analytics_names(channel: str) -> tuple[str, ...]:
    """The keys of a channel's analytics, in order."""
    return tuple(member.name for member in attrs.fields(ANALYTICS[channel]))


@frozen(kw_only=True)
class DirectDetails:
    """A direct send; the last four members are null until its execution is recorded."""

    trigger_id: str
    flow_type: FlowType
    channel: Channel
    execution: Execution | None
    jobs: JobCounts | None
    analytics: Analytics | None
    execution_details_endpoint: str | None


@frozen(kw_only=True)
class Workflow:
    """Which workflow ran."""

    id: str
    name: str
    execution_id: str
    template_group_id: str | None = None


@frozen(kw_only=True)
class Step:
    """One step of a workflow; ``scheduled_for`` is there while it is the next to come."""

    step_id: str
    step_order: int
    step_name: str
    channel: Channel
    status: StepStatus
    delay_minutes: int
    scheduled_for: datetime | None = None
    execution: Execution | None
    jobs: JobCounts | None
    analytics: Analytics | None
    execution_details_endpoint: str | None


@frozen(kw_only=True)
class ChannelDetails:
    """One channel of a template group; null members until its execution is recorded."""

    execution: Execution | None
    jobs: JobCounts | None
    analytics: Analytics | None
    execution_details_endpoint: str | None


@frozen(kw_only=True)
class Totals:
    """Sums over a workflow's executions; steps or channels are counted, whichever the workflow has."""

    total_contacts: int
    total_sent: int
    total_failed: int
    total_filtered: int
    total_cost: Decimal
    currency: str
    steps_completed: int | None = None
    steps_total: int | None = None
    channels_completed: int | None = None
    channels_total: int | None = None


@frozen(kw_only=True)
class WorkflowDetails:
    """A workflow run: its steps in order, or ``channels`` where it is of a template group."""

    trigger_id: str
    flow_type: FlowType
    workflow_type: Literal["steps", "template_group"]
    workflow: Workflow
    steps: tuple[Step, ...]
    channels: Mapping[Channel, ChannelDetails] | None = None
    totals: Totals


@frozen(kw_only=True)
class JobError:
    """Why a job failed."""

    code: str
    message: str


@frozen(kw_only=True)
class Job:
    """Tier 2: what became of one contact in one execution.

    JSON names the address ``email`` or ``phone_number``, whichever the channel reaches people by.
    """

    job_id: int
    channel: Channel
    address: str | None
    contact_external_id: str
    status: JobStatus
    filter_reason: str | None
    filter_code: str | None
    error: JobError | None
    attempts: int
    next_attempt_at: datetime | None
    provider: str | None
    provider_message_id: str | None
    segments: int | None
    cost: Decimal | None
    currency: str
    sent_at: datetime | None
    failed_at: datetime | None
    filtered_at: datetime | None
    cancelled_at: datetime | None
    delivered_at: datetime | None
    delivery_failed_at: datetime | None
    bounced_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    read_at: datetime | None
    replied_at: datetime | None
    complained_at: datetime | None
    unsubscribed_at: datetime | None


@frozen(kw_only=True)
class Page:
    """Where a list stands; ``total`` is how many match, for lists that count them."""

    limit: int
    next_cursor: str | None
    total: int | None = None


@frozen(kw_only=True)
class JobPage:
    """Some jobs of an execution, by job_id."""

    jobs: tuple[Job, ...]
    pagination: Page


@frozen(kw_only=True)
class TriggerPage:
    """Some triggers of an account, newest first."""

    triggers: tuple[Trigger, ...]
    pagination: Page


Answer = TypeVar("Answer")


def to_json(answer: object) -> Any:
    """The JSON value of an answer: plain dicts, lists, numbers and texts, with the API's own keys.

    >>> to_json(Summary(total_contacts=1, sent=0, failed=0, filtered=1))
    {'total_contacts': 1, 'sent': 0, 'failed': 0, 'filtered': 1}
    """
    return _converter().unstructure(answer)


def from_json(value: Any, answer: type[Answer]) -> Answer:
    """The answer of class ``answer`` that ``to_json`` made ``value`` from.

    >>> from_json({"total_contacts": 1, "sent": 0, "failed": 0, "filtered": 1}, Summary)
    Summary(total_contacts=1, sent=0, failed=0, filtered=1)
    """
    read: Answer = _converter().structure(value, answer)
    return read


@cache
def _converter() -> Any:
    from cattrs import Converter
    from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

    converter = Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook(datetime, iso)
    converter.register_unstructure_hook(Decimal, float)
    converter.register_structure_hook(
        datetime, lambda value, _: datetime.fromisoformat(value).astimezone(UTC)
    )
    converter.register_structure_hook(Decimal, lambda value, _: Decimal(str(value)))
    left_out = {  # inner classes first: a hook takes over those that are known when it is made
        Execution: ("total_segments",),
        FilterReason: ("contacts_truncated",),
        JobCounts: ("filter_reasons_truncated",),
        Workflow: ("template_group_id",),
        Step: ("scheduled_for",),
        Totals: ("steps_completed", "steps_total", "channels_completed", "channels_total"),
        Page: ("total",),
        WorkflowDetails: ("channels",),
    }
    for cls, names in left_out.items():
        overrides: dict[str, Any] = {name: override(omit_if_default=True) for name in names}
        plain: Any = make_dict_unstructure_fn(cls, converter, **overrides)
        converter.register_unstructure_hook(cls, _in_order(cls, plain))

    def analytics(value: Mapping[str, int], _: object) -> Analytics:
        keys = value.keys()
        return next(
            cls(**value)
            for cls in ANALYTICS.values()
            if keys == {member.name for member in attrs.fields(cls)}
        )

    converter.register_structure_hook(Analytics, analytics)

    job_to_dict = make_dict_unstructure_fn(Job, converter, job_id=override(unstruct_hook=str))
    job_from_dict = make_dict_structure_fn(
        Job, converter, job_id=override(struct_hook=lambda value, _: int(value))
    )

    def unstructure_job(job: Job) -> dict[str, Any]:
        key = address_key(job.channel)
        return {key if name == "address" else name: value for name, value in job_to_dict(job).items()}

    def structure_job(value: Mapping[str, Any], cls: object) -> Job:
        key = address_key(value["channel"])
        job: Job = job_from_dict(
            {"address" if name == key else name: item for name, item in value.items()}, cls
        )
        return job

    converter.register_unstructure_hook(Job, unstructure_job)
    converter.register_structure_hook(Job, structure_job)
    return converter


def _in_order(
    cls: type[Any], unstructure: Callable[[Any], dict[str, Any]]
) -> Callable[[Any], dict[str, Any]]:
    """The same with the members in the class's order: cattrs has those that may be left out come last."""
    order = [member.name for member in attrs.fields(cls)]

    def ordered(answer: Any) -> dict[str, Any]:
        members = unstructure(answer)
        return {name: members[name] for name in order if name in members}

    return ordered


def address_key(channel: str) -> str:
    """What JSON calls the address of a channel's jobs."""
    return "email" if channel == "email" else "phone_number"
