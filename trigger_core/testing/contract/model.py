"""Every answer, worked out from scratch by plain loops over the recorded facts.

The model is slow and plain on purpose: property tests hold the real library against it. It shares no code
with the library and takes facts as parsed journal lines whose shape is already known to be right.
"""

import json
import re
from collections import ChainMap, Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

Fact = dict[str, Any]
Document = dict[str, Any]
Message = tuple[str, str, str]

KINDS = ("trigger", "execution", "started", "job", "attempt", "outcome", "cancel", "event")
OUTCOMES = ("sent", "failed", "filtered", "cancelled")
EVENT_TIMES = {
    "delivered": "delivered_at",
    "failed": "delivery_failed_at",
    "bounced": "bounced_at",
    "opened": "opened_at",
    "clicked": "clicked_at",
    "read": "read_at",
    "replied": "replied_at",
    "complained": "complained_at",
    "unsubscribed": "unsubscribed_at",
}
IMPLYING_DELIVERED = ("delivered", "opened", "clicked", "read", "replied", "complained")
ANALYTICS = {
    "email": ("delivered", "opened", "clicked", "bounced", "complained", "unsubscribed"),
    "sms": ("delivered", "failed", "clicked", "opened", "bounced", "complained"),
    "whatsapp": ("delivered", "read", "failed", "replied"),
}
JOBS_PATH = {"email": "messages", "sms": "sms", "whatsapp": "whatsapp"}
CONTACTS_SHOWN = 10
REASONS_SHOWN = 20


class Refused(Exception):
    """A call was not recorded; `errors` names the index and the field of everything wrong with it."""

    def __init__(self, errors: list[tuple[int, str]]) -> None:
        super().__init__(errors)
        self.errors = errors


@lru_cache(maxsize=100_000)
def utc(text: str) -> str:
    """The moment in UTC, cut to milliseconds. Texts of this form sort as the moments do."""
    parts = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text)
    if parts is None:
        raise ValueError(text)
    second, fraction, offset = parts.groups()
    moment = datetime.fromisoformat(second + offset).astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{((fraction or '') + '000')[:3]}Z"


def without_nulls(value: Any) -> Any:
    """The value with every null member of it, however deep, left out."""
    if isinstance(value, dict):
        return {key: without_nulls(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [without_nulls(member) for member in value]
    return value


def normalised(fact: Fact) -> Fact:
    """The fact as it is compared and kept: one spelling for a time or an amount, nothing that is null."""
    kept: Fact = without_nulls(fact)
    for key in ("at", "created_at", "scheduled_at", "next_attempt_at"):
        if key in kept:
            kept[key] = utc(kept[key])
    if "cost" in kept:
        kept["cost"] = f"{Decimal(kept['cost']):.6f}"
    return kept


def canonical(fact: Fact) -> str:
    """The text by which two normalised facts of the same time are ordered."""
    return json.dumps(fact, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def earliest(facts: Iterable[Fact]) -> Fact:
    """The fact that wins over its rivals."""
    return min(facts, key=lambda fact: (fact["at"], canonical(fact)))


def differing(known: Fact, said: Fact) -> list[str]:
    """The names of the fields in which two facts differ."""
    return sorted(key for key in known.keys() | said.keys() if known.get(key) != said.get(key))


def slots_of(trigger: Fact) -> dict[str, str]:
    """The channel of each execution that a trigger can have, by step or channel, or "" for a direct send."""
    if trigger["flow_type"] == "direct_channel":
        return {"": trigger["trigger_type"]}
    if trigger["workflow"]["type"] == "steps":
        return {step["step_id"]: step["channel"] for step in steps_of(trigger)}
    return {channel: channel for channel in trigger["workflow"]["channels"]}


def steps_of(trigger: Fact) -> list[Fact]:
    return sorted(trigger["workflow"]["steps"], key=lambda step: int(step["step_order"]))


def has_steps(trigger: Fact) -> bool:
    return trigger["flow_type"] == "workflow" and bool(trigger["workflow"]["type"] == "steps")


def ended_status(sent: int, failed: int, cancelled: int) -> str:
    """The status of something in which nothing is pending any more."""
    if cancelled:
        return "cancelled"
    if failed and not sent:
        return "failed"
    return "completed"


@dataclass
class Known:
    """What a new fact can contradict or depend on."""

    triggers: MutableMapping[str, Fact] = field(default_factory=dict)
    currencies: MutableMapping[str, str] = field(default_factory=dict)
    executions: MutableMapping[str, Fact] = field(default_factory=dict)
    slots: MutableMapping[tuple[str, str], str] = field(default_factory=dict)
    jobs: MutableMapping[tuple[str, int], Fact] = field(default_factory=dict)
    messages: MutableMapping[Message, tuple[str, int]] = field(default_factory=dict)

    def draft(self) -> "Known":
        """A view whose additions stay out of this one until they are kept."""
        return Known(*(ChainMap({}, getattr(self, each.name)) for each in fields(self)))

    def keep(self, draft: "Known") -> None:
        for each in fields(self):
            getattr(self, each.name).update(getattr(draft, each.name).maps[0])

    def admit(self, fact: Fact) -> list[str]:
        """Add a fact and name the fields for which it has to be refused.

        A refused fact is added too, so that what depends on it is not reported as well; the caller drops the
        draft.
        """
        match fact["kind"]:
            case "trigger":
                return self.admit_trigger(fact)
            case "execution":
                return self.admit_execution(fact)
            case "job":
                known = self.jobs.setdefault((fact["execution_id"], fact["job_id"]), fact)
                return differing(known, fact) or self.unknown_execution(fact)
            case "started":
                return self.unknown_execution(fact)
            case "attempt":
                return self.unknown_job(fact)
            case "outcome":
                return self.unknown_job(fact) or self.taken_message(fact)
            case "cancel":
                return [] if fact["trigger_id"] in self.triggers else ["trigger_id"]
            case _:
                return []

    def admit_trigger(self, fact: Fact) -> list[str]:
        known = self.triggers.setdefault(fact["trigger_id"], fact)
        if known is not fact:
            return differing(known, fact)
        currency = self.currencies.setdefault(fact["account"], fact["currency"])
        return [] if currency == fact["currency"] else ["currency"]

    def admit_execution(self, fact: Fact) -> list[str]:
        said = {key: value for key, value in fact.items() if key != "expected_jobs"}
        known = self.executions.setdefault(fact["execution_id"], said)
        if known is not said:
            return differing(known, said)
        trigger = self.triggers.get(fact["trigger_id"])
        if trigger is None or trigger["account"] != fact["account"]:
            return ["trigger_id"]
        if has_steps(trigger) != ("step_id" in fact):
            return ["step_id"]
        slots = slots_of(trigger)
        slot = self.slot_of(fact)
        if has_steps(trigger) and slot not in slots:
            return ["step_id"]
        if slots.get(slot) != fact["channel"]:
            return ["channel"]
        first = self.slots.setdefault((fact["trigger_id"], slot), fact["execution_id"])
        return [] if first == fact["execution_id"] else ["execution_id"]

    def slot_of(self, execution: Fact) -> str:
        trigger = self.triggers[execution["trigger_id"]]
        if trigger["flow_type"] == "direct_channel":
            return ""
        return str(execution["step_id"] if has_steps(trigger) else execution["channel"])

    def unknown_execution(self, fact: Fact) -> list[str]:
        return [] if fact["execution_id"] in self.executions else ["execution_id"]

    def unknown_job(self, fact: Fact) -> list[str]:
        if (fact["execution_id"], fact["job_id"]) in self.jobs:
            return []
        return self.unknown_execution(fact) or ["job_id"]

    def taken_message(self, outcome: Fact) -> list[str]:
        message = self.message_of(outcome)
        job = (outcome["execution_id"], outcome["job_id"])
        if message is None or self.messages.setdefault(message, job) == job:
            return []
        return ["provider_message_id"]

    def message_of(self, outcome: Fact) -> Message | None:
        execution = self.executions.get(outcome["execution_id"])
        if execution is None or not {"provider", "provider_message_id"} <= outcome.keys():
            return None
        return (execution["account"], outcome["provider"], outcome["provider_message_id"])


@dataclass
class Job:
    """One contact's share of an execution, with everything recorded for it."""

    fact: Fact
    attempts: list[Fact]
    outcomes: list[Fact]
    events: list[Fact]
    cancel: str | None

    @cached_property
    def winners(self) -> dict[str, Fact]:
        """Per outcome that was recorded, the fact that wins."""
        found: dict[str, list[Fact]] = defaultdict(list)
        for fact in self.outcomes:
            found[fact["outcome"]].append(fact)
        return {outcome: earliest(facts) for outcome, facts in found.items()}

    @cached_property
    def shown(self) -> Fact | None:
        return next((self.winners[outcome] for outcome in OUTCOMES if outcome in self.winners), None)

    @property
    def ended_by_cancel(self) -> bool:
        return self.shown is None and self.cancel is not None

    @cached_property
    def status(self) -> str:
        if self.shown is not None:
            return str(self.shown["outcome"])
        return "pending" if self.cancel is None else "cancelled"

    @cached_property
    def event_times(self) -> dict[str, str]:
        """The earliest time of each delivery event that the job had, or must have had."""
        times: dict[str, str] = {}
        for fact in self.events:
            types = {fact["type"]} | ({"delivered"} if fact["type"] in IMPLYING_DELIVERED else set())
            for each in types:
                times[each] = min(times.get(each, fact["at"]), fact["at"])
        return times

    @property
    def next_attempt_at(self) -> str | None:
        if self.status != "pending" or not self.attempts:
            return None
        highest = max(fact["n"] for fact in self.attempts)
        last = earliest(fact for fact in self.attempts if fact["n"] == highest)
        return None if "next_attempt_at" not in last else str(last["next_attempt_at"])

    @property
    def destination(self) -> str:
        return str(self.fact.get("address", self.fact["contact"]))

    def document(self, channel: str, currency: str) -> Document:
        shown = self.shown or {}
        times = {f"{outcome}_at": fact["at"] for outcome, fact in self.winners.items()}
        if self.ended_by_cancel:
            times["cancelled_at"] = self.cancel
        times |= {EVENT_TIMES[each]: time for each, time in self.event_times.items()}
        return {
            "job_id": str(self.fact["job_id"]),
            "email" if channel == "email" else "phone_number": self.fact.get("address"),
            "contact_external_id": self.fact["contact"],
            "status": self.status,
            "filter_reason": shown.get("reason"),
            "filter_code": shown.get("code"),
            "error": shown.get("error"),
            "attempts": len({fact["n"] for fact in self.attempts}),
            "next_attempt_at": self.next_attempt_at,
            "provider": shown.get("provider"),
            "provider_message_id": shown.get("provider_message_id"),
            "segments": shown.get("segments"),
            "cost": float(shown["cost"]) if "cost" in shown else None,
            "currency": currency,
            **{f"{outcome}_at": times.get(f"{outcome}_at") for outcome in OUTCOMES},
            **{name: times.get(name) for name in EVENT_TIMES.values()},
        }


@dataclass
class Execution:
    """One channel's share of a trigger, with its jobs."""

    id: str
    channel: str
    trigger: Fact
    jobs: list[Job]
    expected: int | None
    started: list[str]
    cancel: str | None

    @property
    def total(self) -> int:
        return max(len(self.jobs), self.expected or 0)

    @property
    def unrecorded(self) -> int:
        return self.total - len(self.jobs)

    @property
    def audience_to_come(self) -> bool:
        """Whether nobody has said yet who or how many will be reached."""
        return not self.jobs and self.expected is None

    @cached_property
    def counts(self) -> Counter[str]:
        counts = Counter(job.status for job in self.jobs)
        counts["pending" if self.cancel is None else "cancelled"] += self.unrecorded
        return counts

    @property
    def ended(self) -> bool:
        return not self.counts["pending"] and not (self.audience_to_come and self.cancel is None)

    @property
    def ended_by_cancel(self) -> bool:
        if self.cancel is None:
            return False
        return self.audience_to_come or self.unrecorded > 0 or any(job.ended_by_cancel for job in self.jobs)

    @cached_property
    def first_activity(self) -> str | None:
        times = list(self.started)
        for job in self.jobs:
            times += [fact["at"] for fact in job.attempts]
            times += [fact["at"] for fact in job.outcomes if fact["outcome"] in ("sent", "failed")]
        return min(times, default=None)

    @property
    def status(self) -> str:
        if self.audience_to_come:
            return "pending" if self.cancel is None else "cancelled"
        if self.ended:
            return ended_status(self.counts["sent"], self.counts["failed"], self.counts["cancelled"])
        return "pending" if self.first_activity is None else "processing"

    @property
    def started_at(self) -> str | None:
        if self.first_activity is not None or not self.ended:
            return self.first_activity
        if self.total == 0 and self.expected == 0:
            return str(self.trigger["created_at"])
        filtered = [fact["at"] for job in self.jobs for fact in job.outcomes if fact["outcome"] == "filtered"]
        return min(filtered, default=None)

    @property
    def completed_at(self) -> str | None:
        if not self.ended:
            return None
        times: list[str] = [fact["at"] for job in self.jobs for fact in job.outcomes]
        if self.started_at is not None:
            times.append(self.started_at)
        if self.cancel is not None and self.ended_by_cancel:
            times.append(self.cancel)
        return max(times)

    @property
    def cost(self) -> Decimal:
        """What the jobs that were sent cost; a message that was tried in vain is not counted."""
        amounts = (job.shown.get("cost", "0") for job in self.jobs if job.status == "sent" and job.shown)
        return sum((Decimal(amount) for amount in amounts), Decimal(0))

    @property
    def segments(self) -> int:
        return sum(job.shown.get("segments", 0) for job in self.jobs if job.status == "sent" and job.shown)

    def document(self) -> Document:
        document: Document = {
            "id": self.id,
            "status": self.status,
            "total_contacts": self.total,
            "sent_count": self.counts["sent"],
            "failed_count": self.counts["failed"],
            "filtered_count": self.counts["filtered"],
            "estimated_cost": float(self.cost),
            "currency": self.trigger["currency"],
            "started_at": self.started_at,
            "completed_at": self.completed_at,
        }
        if self.channel == "sms":
            document["total_segments"] = self.segments
        return document

    def jobs_document(self) -> Document:
        by_reason: dict[str, list[Job]] = defaultdict(list)
        for job in self.jobs:
            if job.status == "filtered" and job.shown is not None:
                by_reason[job.shown["reason"]].append(job)
        reasons = []
        for reason, jobs in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0])):
            contacts = [job.destination for job in jobs]
            entry: Document = {"reason": reason, "count": len(jobs), "contacts": contacts[:CONTACTS_SHOWN]}
            if len(contacts) > CONTACTS_SHOWN:
                entry["contacts_truncated"] = True
            reasons.append(entry)
        document: Document = {
            "total": self.total,
            **{status: self.counts[status] for status in (*OUTCOMES, "pending")},
            "filter_reasons": reasons[:REASONS_SHOWN],
        }
        if len(reasons) > REASONS_SHOWN:
            document["filter_reasons_truncated"] = True
        return document

    def analytics_document(self) -> Document:
        reached = Counter(each for job in self.jobs for each in job.event_times)
        return {"sent": self.counts["sent"], **{each: reached[each] for each in ANALYTICS[self.channel]}}


def members(execution: Execution | None) -> Document:
    """The three members that describe an execution wherever it appears, null while there is none."""
    return {
        "execution": execution and execution.document(),
        "jobs": execution and execution.jobs_document(),
        "analytics": execution and execution.analytics_document(),
    }


@dataclass
class Trigger:
    """One request to reach people, with the execution in each of its slots, None where it is to come."""

    fact: Fact
    cancel: str | None
    slots: Mapping[str, Execution | None]

    @property
    def executions(self) -> list[Execution]:
        return [execution for execution in self.slots.values() if execution is not None]

    @property
    def to_come(self) -> int:
        """How many slots nobody has filled: without an execution, or with one whose audience is not known."""
        return sum(execution is None or execution.audience_to_come for execution in self.slots.values())

    def count(self, status: str) -> int:
        return sum(execution.counts[status] for execution in self.executions)

    @property
    def ended(self) -> bool:
        return not self.count("pending") and (self.cancel is not None or not self.to_come)

    @property
    def status(self) -> str:
        if self.ended:
            cancelled = self.count("cancelled") + self.to_come
            return ended_status(self.count("sent"), self.count("failed"), cancelled)
        past_pending = any(execution.status != "pending" for execution in self.executions)
        return "processing" if past_pending else "pending"

    @property
    def started_at(self) -> str | None:
        times = [execution.started_at for execution in self.executions]
        return min((time for time in times if time is not None), default=None)

    @property
    def completed_at(self) -> str | None:
        if not self.ended:
            return None
        times = [execution.completed_at for execution in self.executions]
        if self.to_come or any(execution.ended_by_cancel for execution in self.executions):
            times.append(self.cancel)
        return max((time for time in times if time is not None), default=None)

    @property
    def duration_seconds(self) -> float | None:
        if self.started_at is None or self.completed_at is None:
            return None
        duration = datetime.fromisoformat(self.completed_at) - datetime.fromisoformat(self.started_at)
        return (duration // timedelta(milliseconds=1)) / 1000

    @property
    def total_contacts(self) -> int:
        contacts = {job.fact["contact"] for execution in self.executions for job in execution.jobs}
        return max(len(contacts), *(execution.total for execution in self.executions), 0)

    def document(self) -> Document:
        fact = self.fact
        details = "direct" if fact["flow_type"] == "direct_channel" else "workflow"
        return {
            "id": fact["trigger_id"],
            "flow_type": fact["flow_type"],
            "trigger_type": fact["trigger_type"],
            "trigger_source": fact.get("trigger_source"),
            "campaign_name": fact.get("campaign_name"),
            "status": self.status,
            "created_at": fact["created_at"],
            "started_at": self.started_at,
            "completed_at": self.completed_at,
            "scheduled_at": fact.get("scheduled_at"),
            "duration_seconds": self.duration_seconds,
            "summary": {
                "total_contacts": self.total_contacts,
                "sent": self.count("sent"),
                "failed": self.count("failed"),
                "filtered": self.count("filtered"),
            },
            "details_endpoint": f"/triggers/{fact['trigger_id']}/{details}",
        }

    def direct_document(self) -> Document:
        channel = self.fact["trigger_type"]
        execution = self.slots[""]
        return {
            "trigger_id": self.fact["trigger_id"],
            "flow_type": self.fact["flow_type"],
            "channel": channel,
            **members(execution),
            "execution_details_endpoint": execution
            and f"/api/v1/{JOBS_PATH[channel]}/executions/{execution.id}/jobs",
        }

    def workflow_document(self) -> Document:
        workflow = self.fact["workflow"]
        document: Document = {
            "trigger_id": self.fact["trigger_id"],
            "flow_type": self.fact["flow_type"],
            "workflow_type": workflow["type"],
            "workflow": {key: workflow[key] for key in ("id", "name", "execution_id")},
        }
        completed = sum(execution.status == "completed" for execution in self.executions)
        if has_steps(self.fact):
            document["steps"] = list(self.step_documents())
            progress = {"steps_completed": completed, "steps_total": len(self.slots)}
        else:
            document["workflow"]["template_group_id"] = workflow["template_group_id"]
            document["steps"] = []
            document["channels"] = {channel: members(execution) for channel, execution in self.slots.items()}
            progress = {"channels_completed": completed, "channels_total": len(self.slots)}
        document["totals"] = {
            "total_contacts": self.total_contacts,
            "total_sent": self.count("sent"),
            "total_failed": self.count("failed"),
            "total_filtered": self.count("filtered"),
            "total_cost": float(sum((execution.cost for execution in self.executions), Decimal(0))),
            "currency": self.fact["currency"],
            **progress,
        }
        return document

    def step_documents(self) -> Iterator[Document]:
        scheduled = False
        for step in steps_of(self.fact):
            execution = self.slots[step["step_id"]]
            document: Document = {
                key: step[key] for key in ("step_id", "step_order", "step_name", "channel", "delay_minutes")
            }
            if execution is not None:
                document["status"] = execution.status
            elif self.cancel is not None:
                document["status"] = "cancelled"
            elif scheduled:
                document["status"] = "pending"
            else:
                scheduled = True
                document["status"] = "scheduled"
                begin = datetime.fromisoformat(self.fact.get("scheduled_at") or self.fact["created_at"])
                due = begin + timedelta(minutes=step["delay_minutes"])
                document["scheduled_for"] = utc(due.isoformat())
            yield document | members(execution)


class Model:
    """Keeps the set of facts recorded for each thing, and works out an answer only when asked."""

    def __init__(self) -> None:
        self._known = Known()
        self._facts: dict[tuple[Any, ...], dict[str, Fact]] = defaultdict(dict)
        self._job_ids: dict[str, set[int]] = defaultdict(set)
        self._messages: dict[tuple[str, int], set[Message]] = defaultdict(set)

    def record(self, facts: list[Fact]) -> None:
        """Take all the facts of one call, in whatever order they stand, or none.

        Raises Refused, naming every fact that contradicts what is known or lacks what it depends on.
        """
        call = sorted(
            ((index, normalised(fact)) for index, fact in enumerate(facts)),
            key=lambda item: KINDS.index(item[1]["kind"]),
        )
        draft = self._known.draft()
        errors = [(index, name) for index, fact in call for name in draft.admit(fact)]
        if errors:
            raise Refused(sorted(errors))
        self._known.keep(draft)
        for _, fact in call:
            self._add(fact)

    def _add(self, fact: Fact) -> None:
        kind = fact["kind"]
        if kind in ("trigger", "cancel"):
            target: tuple[Any, ...] = (kind, fact["trigger_id"])
        elif kind in ("execution", "started"):
            target = (kind, fact["execution_id"])
        elif "execution_id" in fact:
            target = (kind, fact["execution_id"], fact["job_id"])
        else:
            target = (kind, fact["account"], fact["provider"], fact["provider_message_id"])
        self._facts[target][canonical(fact)] = fact
        if kind == "job":
            self._job_ids[fact["execution_id"]].add(fact["job_id"])
        if kind == "outcome":
            message = self._known.message_of(fact)
            if message is not None:
                self._messages[fact["execution_id"], fact["job_id"]].add(message)

    def _recorded(self, *target: Any) -> list[Fact]:
        return list(self._facts.get(target, {}).values())

    def _job(self, execution_id: str, job_id: int, cancel: str | None) -> Job:
        events = self._recorded("event", execution_id, job_id)
        for message in self._messages.get((execution_id, job_id), ()):
            events += self._recorded("event", *message)
        return Job(
            fact=self._known.jobs[execution_id, job_id],
            attempts=self._recorded("attempt", execution_id, job_id),
            outcomes=self._recorded("outcome", execution_id, job_id),
            events=events,
            cancel=cancel,
        )

    def _execution(self, execution_id: str) -> Execution:
        fact = self._known.executions[execution_id]
        cancel = self._cancel(fact["trigger_id"])
        expected = [said.get("expected_jobs") for said in self._recorded("execution", execution_id)]
        job_ids = sorted(self._job_ids.get(execution_id, ()))
        return Execution(
            id=execution_id,
            channel=fact["channel"],
            trigger=self._known.triggers[fact["trigger_id"]],
            jobs=[self._job(execution_id, job_id, cancel) for job_id in job_ids],
            expected=max((number for number in expected if number is not None), default=None),
            started=[said["at"] for said in self._recorded("started", execution_id)],
            cancel=cancel,
        )

    def _cancel(self, trigger_id: str) -> str | None:
        return min((fact["at"] for fact in self._recorded("cancel", trigger_id)), default=None)

    def _trigger(self, trigger_id: str) -> Trigger:
        fact = self._known.triggers[trigger_id]
        slots: dict[str, Execution | None] = {}
        for slot in slots_of(fact):
            execution_id = self._known.slots.get((trigger_id, slot))
            slots[slot] = None if execution_id is None else self._execution(execution_id)
        return Trigger(fact=fact, cancel=self._cancel(trigger_id), slots=slots)

    def trigger_ids(self) -> list[str]:
        """The triggers recorded so far, in ascending order."""
        return sorted(self._known.triggers)

    def execution_ids(self, trigger_id: str) -> list[str]:
        """The executions recorded so far for a trigger, in the order of its steps or channels."""
        return [execution.id for execution in self._trigger(trigger_id).executions]

    def trigger(self, trigger_id: str) -> Document:
        """The summary document. Raises KeyError for an unknown trigger, as the other reads do."""
        return self._trigger(trigger_id).document()

    def direct(self, trigger_id: str) -> Document | None:
        """The details of a direct send, None for a workflow."""
        trigger = self._trigger(trigger_id)
        return trigger.direct_document() if trigger.fact["flow_type"] == "direct_channel" else None

    def workflow(self, trigger_id: str) -> Document | None:
        """The details of a workflow, None for a direct send."""
        trigger = self._trigger(trigger_id)
        return trigger.workflow_document() if trigger.fact["flow_type"] == "workflow" else None

    def jobs(self, execution_id: str) -> list[Document]:
        """Every recorded job of an execution, by ascending number."""
        execution = self._execution(execution_id)
        currency = execution.trigger["currency"]
        return [job.document(execution.channel, currency) for job in execution.jobs]
