"""From a trigger's ledger to its answers: statuses, times and totals, as they follow from what was recorded.

The views ``execution_counts`` and ``trigger_status`` say the same in SQL; a statement with that many functions takes
DuckDB longer to plan than all of this takes to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from functools import reduce
from itertools import chain
from typing import Any, Final, cast, overload

from attrs import define, field, frozen

from trigger_core import answers
from trigger_core.facts import Step, Trigger, Workflow
from trigger_core.store import Reader, Row, Session

REASONS: Final = 20
ENDPOINTS: Final[Mapping[str, str]] = {"email": "messages", "sms": "sms", "whatsapp": "whatsapp"}
"""A channel's place in the paths of its executions."""

Contacts = Mapping[tuple[str, str], Sequence[str]]
"""The first contacts by execution and reason."""

_SHORT: Final = 400
"""Up to so many rows of a ledger are added up here, not by the store."""

_LONG: Final = 100
"""From so many rows on, beside four for each sum, a ledger is folded when it was read."""

_FIRSTS: Final = 10
"""How many first contacts a row of the ledger has."""

_EXACT: Final = Context(prec=60)
"""Sums of money are exact, whatever context the host computes in."""

_BEGINNINGS: Final = frozenset({"started", "attempted", "outcome"})
_EVENTS: Final = {"failed": "delivery_failed", "delivered": "reached"}


@define
class Counts:
    """One execution's ledger; ``firsts`` has what each row said, None where first contacts don't follow from it."""

    execution_id: str
    place: str = ""
    n: dict[str, int] = field(factory=dict)
    reasons: dict[str, int] = field(factory=dict)
    firsts: dict[str, list[Sequence[str]] | None] = field(factory=dict)
    segments: int = 0
    cost: Decimal = Decimal(0)
    begun_at: datetime | None = None
    filtered_at: datetime | None = None
    ended_at: datetime | None = None

    def add(
        self,
        measure: str,
        detail: str | None,
        n: int,
        segments: int,
        cost: Decimal,
        first_at: datetime | None,
        last_at: datetime | None,
        first_contacts: Sequence[str] | None,
    ) -> None:
        """Adds one row of the ledger."""
        if measure == "execution":
            self.place = detail or ""
            return
        self.n[measure] = self.n.get(measure, 0) + n
        if measure == "filtered":
            self.filtered_at = earliest(self.filtered_at, first_at)
            if detail is not None:
                self.reasons[detail] = self.reasons.get(detail, 0) + n
                firsts = self.firsts.setdefault(detail, [])
                if first_contacts is None or firsts is None:
                    self.firsts[detail] = None
                else:
                    firsts.append(first_contacts)
        elif measure == "sent":
            self.segments += segments
            self.cost = _EXACT.add(self.cost, cost)
        elif measure in _BEGINNINGS:
            self.begun_at = earliest(self.begun_at, first_at)
            self.ended_at = latest(self.ended_at, last_at)


@define
class Ledger:
    """What a trigger's ledger says: about itself, and about each execution by its id.

    Attributes:
        version: the sum of its rows' ``writes``; it grows with every write that changes an answer.
    """

    trigger_type: str
    created_at: datetime
    cancelled_at: datetime | None = None
    contacts: int = 0
    executions: dict[str, Counts] = field(factory=dict)
    version: int = 0

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Ledger | None:
        """The ledger in rows like those of ``ledger_rows``; none if there is no such trigger."""
        trigger_type = created_at = cancelled_at = None
        contacts = version = 0
        executions: dict[str, Counts] = {}
        for (
            execution_id,
            measure,
            detail,
            n,
            segments,
            cost,
            first_at,
            last_at,
            writes,
            first_contacts,
        ) in rows:
            version += int(writes)
            if execution_id is None:
                if measure == "trigger":
                    trigger_type, created_at = detail, first_at
                elif measure == "cancel":
                    cancelled_at = earliest(cancelled_at, first_at)
                else:
                    contacts += int(n)
                continue
            key = str(execution_id)
            counts = executions.get(key)
            if counts is None:
                counts = executions[key] = Counts(key)
            counts.add(measure, detail, int(n), int(segments), cost, first_at, last_at, first_contacts)
        if trigger_type is None or created_at is None:
            return None
        for counts in executions.values():
            counts.begun_at, counts.filtered_at = utc(counts.begun_at), utc(counts.filtered_at)
            counts.ended_at = utc(counts.ended_at)
            if 0 in counts.reasons.values():
                counts.reasons = {reason: n for reason, n in counts.reasons.items() if n}
        return cls(trigger_type, utc(created_at), utc(cancelled_at), contacts, executions, version)

    def first_contacts(self, most: int) -> Contacts | None:
        """The first contacts, so many of each reason that is shown; None where the ledger doesn't know them all."""
        found = {}
        for counts in self.executions.values():
            for reason, count in shown_reasons(counts):
                rows = counts.firsts[reason]
                if rows is None:
                    return None
                firsts = rows[0] if len(rows) == 1 else sorted({*chain.from_iterable(rows)}, key=_job_id)
                if most > _FIRSTS and len(firsts) < count:
                    return None
                found[counts.execution_id, reason] = [one[one.index(" ") + 1 :] for one in firsts[:most]]
        return found


def ledger(reader: Reader, account: str, trigger_id: str) -> tuple[Ledger | None, bool]:
    """A trigger's ledger, none if there is no such trigger; and whether it is long enough to be worth folding."""
    trigger = {"account": account, "trigger_id": trigger_id}
    rows = reader.rows("ledger_rows", **trigger, most=_SHORT)
    if len(rows) < _SHORT:
        found = Ledger.of(rows)
        if found is None or len(rows) <= _LONG:
            return found, False
        places = sum(len(one.n) + len(one.reasons) for one in found.executions.values())
        return found, len(rows) > _LONG + 4 * places
    sums = reader.rows("ledger", **trigger)
    appended, places = sum(row[-2] for row in sums), sum(row[-1] for row in sums)
    return Ledger.of((*row[:-2], None) for row in sums), appended > _LONG + 4 * places


def _job_id(first: str) -> int:
    """Whose place a first contact has; a row of the ledger has its own in order."""
    return int(first[: first.index(" ")])


def first_contacts(session: Session, account: str, trigger_id: str, ledger: Ledger, most: int) -> Contacts:
    """The first contacts of each reason that is shown, as the samples have them."""
    reasons = {reason for counts in ledger.executions.values() for reason, _ in shown_reasons(counts)}
    found: dict[tuple[str, str], list[str]] = {}
    for execution_id, reason, _, contact in session.rows(
        "filter_contacts",
        account=account,
        trigger_id=trigger_id,
        reasons=list(reasons),
        contacts=most,
    ):
        found.setdefault((execution_id, reason), []).append(contact)
    return found


@frozen
class Share:
    """An execution's state, derived."""

    counts: Counts
    status: answers.Status
    total: int
    sent: int
    failed: int
    filtered: int
    cancelled: int
    pending: int
    started_at: datetime | None
    completed_at: datetime | None
    ended_by_cancel: bool


def share(counts: Counts, ledger: Ledger) -> Share:
    """The state of one execution."""
    n = counts.n
    sent, failed, filtered, cancelled = (
        n.get(name, 0) for name in ("sent", "failed", "filtered", "cancelled")
    )
    recorded, expected = n.get("jobs", 0), n.get("expected")
    total = max(recorded, expected or 0)
    pending = total - sent - failed - filtered - cancelled
    unplanned = total == 0 and expected is None
    ended_by_cancel = False
    if ledger.cancelled_at is not None:
        claimed = min(n.get("claimed", 0), pending)
        ended_by_cancel = pending > claimed or unplanned
        cancelled, pending = cancelled + pending - claimed, claimed
    status: answers.Status
    if pending or (unplanned and not ended_by_cancel):
        status = "pending" if unplanned or counts.begun_at is None else "processing"
    elif cancelled or unplanned:
        status = "cancelled"
    else:
        status = "failed" if failed and not sent else "completed"
    ended = status not in ("pending", "processing")
    started_at = counts.begun_at
    if started_at is None and ended:
        started_at = ledger.created_at if total == 0 and not unplanned else counts.filtered_at
    completed_at = None
    if ended:
        completed_at = latest(counts.ended_at, started_at, ledger.cancelled_at if ended_by_cancel else None)
    return Share(
        counts,
        status,
        total,
        sent,
        failed,
        filtered,
        cancelled,
        pending,
        started_at,
        completed_at,
        ended_by_cancel,
    )


@frozen
class Whole:
    """A trigger's state, derived from its executions and from what is still to come."""

    shares: Mapping[str, Share]
    status: answers.Status
    total_contacts: int
    started_at: datetime | None
    completed_at: datetime | None


def whole(head: Trigger, ledger: Ledger) -> Whole:
    """The state of a trigger."""
    shares = {place: one for counts in ledger.executions.values() for place, one in [_placed(counts, ledger)]}
    states = [one.status for one in shares.values()]
    to_come = len(places(head)) - len(shares)
    cancelled = ledger.cancelled_at is not None
    status: answers.Status
    if any(state in ("pending", "processing") for state in states) or (to_come and not cancelled):
        status = "processing" if any(state != "pending" for state in states) else "pending"
    elif to_come or "cancelled" in states:
        status = "cancelled"
    elif any(one.failed for one in shares.values()) and not any(one.sent for one in shares.values()):
        status = "failed"
    else:
        status = "completed"
    completed_at = None
    if status not in ("pending", "processing"):
        ended_by_cancel = cancelled and (to_come > 0 or any(one.ended_by_cancel for one in shares.values()))
        completed_at = latest(
            *(one.completed_at for one in shares.values()), ledger.cancelled_at if ended_by_cancel else None
        )
    return Whole(
        shares,
        status,
        max([ledger.contacts, *(one.total for one in shares.values())]),
        earliest(*(one.started_at for one in shares.values())),
        completed_at,
    )


def _placed(counts: Counts, ledger: Ledger) -> tuple[str, Share]:
    return counts.place, share(counts, ledger)


def places(head: Trigger) -> tuple[str, ...]:
    """Where a trigger has executions: its steps' ids, its group's channels, or its own channel."""
    if head.workflow is None:
        return (head.trigger_type,)
    if head.workflow.steps is not None:
        return tuple(step.step_id for step in head.workflow.steps)
    return head.workflow.channels or ()


def trigger(head: Trigger, ledger: Ledger) -> answers.Trigger:
    """The tier-1 answer."""
    state = whole(head, ledger)
    shares = state.shares.values()
    duration = None
    if state.started_at is not None and state.completed_at is not None:
        duration = (state.completed_at - state.started_at) // timedelta(milliseconds=1) / 1000
    return answers.Trigger(
        id=head.trigger_id,
        flow_type=cast(answers.FlowType, head.flow_type),
        trigger_type=cast(answers.TriggerType, head.trigger_type),
        trigger_source=head.trigger_source,
        campaign_name=head.campaign_name,
        status=state.status,
        created_at=head.created_at,
        started_at=state.started_at,
        completed_at=state.completed_at,
        scheduled_at=head.scheduled_at,
        duration_seconds=duration,
        summary=answers.Summary(
            total_contacts=state.total_contacts,
            sent=sum(one.sent for one in shares),
            failed=sum(one.failed for one in shares),
            filtered=sum(one.filtered for one in shares),
        ),
        details_endpoint=details_endpoint(head.trigger_id, head.trigger_type),
    )


def details_endpoint(trigger_id: str, trigger_type: str) -> str:
    """The path, without its prefix, that answers for a trigger's details."""
    return f"/triggers/{trigger_id}/{'workflow' if trigger_type == 'workflow' else 'direct'}"


def direct(trigger_id: str, currency: str, ledger: Ledger, contacts: Contacts) -> answers.DirectDetails:
    """A direct send's details, which need no more of its head than the ledger has."""
    one = next((share(counts, ledger) for counts in ledger.executions.values()), None)
    return answers.DirectDetails(
        trigger_id=trigger_id,
        flow_type="direct_channel",
        channel=cast(answers.Channel, ledger.trigger_type),
        **_members(currency, ledger.trigger_type, one, contacts),
    )


def workflow(head: Trigger, run: Workflow, ledger: Ledger, contacts: Contacts) -> answers.WorkflowDetails:
    """A workflow run's details: its steps, or its template group's channels."""
    state = whole(head, ledger)
    shares = state.shares
    completed = sum(one.status == "completed" for one in shares.values())
    total = len(places(head))
    counted = (
        {"channels_completed": completed, "channels_total": total}
        if run.steps is None
        else {"steps_completed": completed, "steps_total": total}
    )
    return answers.WorkflowDetails(
        trigger_id=head.trigger_id,
        flow_type="workflow",
        workflow_type="template_group" if run.steps is None else "steps",
        workflow=answers.Workflow(
            id=run.id, name=run.name, execution_id=run.execution_id, template_group_id=run.template_group_id
        ),
        steps=_steps(head, ledger, run.steps or (), shares, contacts),
        channels=None
        if run.channels is None
        else {
            cast(answers.Channel, channel): answers.ChannelDetails(
                **_members(head.currency, channel, shares.get(channel), contacts)
            )
            for channel in run.channels
        },
        totals=answers.Totals(
            total_contacts=state.total_contacts,
            total_sent=sum(one.sent for one in shares.values()),
            total_failed=sum(one.failed for one in shares.values()),
            total_filtered=sum(one.filtered for one in shares.values()),
            total_cost=reduce(_EXACT.add, (one.counts.cost for one in shares.values()), Decimal(0)),
            currency=head.currency,
            **counted,
        ),
    )


def _steps(
    head: Trigger, ledger: Ledger, steps: Sequence[Step], shares: Mapping[str, Share], contacts: Contacts
) -> tuple[answers.Step, ...]:
    next_to_come = next((step for step in steps if step.step_id not in shares), None)
    found = []
    for step in steps:
        one = shares.get(step.step_id)
        status: answers.StepStatus
        scheduled_for = None
        if one is not None:
            status = one.status
        elif ledger.cancelled_at is not None:
            status = "cancelled"
        elif step is next_to_come:
            status = "scheduled"
            scheduled_for = head.start + timedelta(minutes=step.delay_minutes)
        else:
            status = "pending"
        found.append(
            answers.Step(
                step_id=step.step_id,
                step_order=step.step_order,
                step_name=step.step_name,
                channel=cast(answers.Channel, step.channel),
                status=status,
                delay_minutes=step.delay_minutes,
                scheduled_for=scheduled_for,
                **_members(head.currency, step.channel, one, contacts),
            )
        )
    return tuple(found)


def _members(currency: str, channel: str, one: Share | None, contacts: Contacts) -> dict[str, Any]:
    """What direct sends, steps and channels have in common."""
    if one is None:
        return {"execution": None, "jobs": None, "analytics": None, "execution_details_endpoint": None}
    counts = one.counts
    return {
        "execution": answers.Execution(
            id=counts.execution_id,
            status=one.status,
            total_contacts=one.total,
            sent_count=one.sent,
            failed_count=one.failed,
            filtered_count=one.filtered,
            total_segments=counts.segments if channel == "sms" else None,
            estimated_cost=counts.cost,
            currency=currency,
            started_at=one.started_at,
            completed_at=one.completed_at,
        ),
        "jobs": answers.JobCounts(
            total=one.total,
            sent=one.sent,
            failed=one.failed,
            filtered=one.filtered,
            cancelled=one.cancelled,
            pending=one.pending,
            filter_reasons=tuple(
                _reason(counts, reason, count, contacts) for reason, count in shown_reasons(counts)
            ),
            filter_reasons_truncated=len(counts.reasons) > REASONS,
        ),
        "analytics": answers.ANALYTICS[channel](
            **{name: counts.n.get(_EVENTS.get(name, name), 0) for name in answers.analytics_names(channel)}
        ),
        "execution_details_endpoint": f"/api/v1/{ENDPOINTS[channel]}/executions/{counts.execution_id}/jobs",
    }


def shown_reasons(counts: Counts) -> list[tuple[str, int]]:
    """An execution's filter reasons that its answer shows: those of the most contacts."""
    return sorted(counts.reasons.items(), key=lambda item: (-item[1], item[0]))[:REASONS]


def _reason(counts: Counts, reason: str, count: int, contacts: Contacts) -> answers.FilterReason:
    shown = tuple(contacts.get((counts.execution_id, reason), ()))
    return answers.FilterReason(
        reason=reason, count=count, contacts=shown, contacts_truncated=count > len(shown)
    )


@overload
def utc(moment: datetime) -> datetime: ...
@overload
def utc(moment: None) -> None: ...
def utc(moment: datetime | None) -> datetime | None:
    """A stored time as the answers have it."""
    return None if moment is None else moment.replace(tzinfo=UTC)


def earliest(*moments: datetime | None) -> datetime | None:
    """The first of the times that are known."""
    return min((moment for moment in moments if moment is not None), default=None)


def latest(*moments: datetime | None) -> datetime | None:
    """The last of the times that are known."""
    return max((moment for moment in moments if moment is not None), default=None)
