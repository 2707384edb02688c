"""A library that sends nothing: what is asked for is checked and recorded, as far as the HTTP tests look at it."""

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from uuid import uuid4

from attrs import evolve

from trigger_core import Library, facts
from trigger_core.answers import Trigger
from trigger_core.catalog import TemplateGroup, Workflow
from trigger_core.errors import (
    FactError,
    FactsRefused,
    IdempotencyInFlight,
    IdempotencyMismatch,
    InvalidValue,
    NotFound,
)
from trigger_core.sending import EventCounts, Receipt, Send, WorkflowRun, digest

KEYS = ("event_id", "type", "occurred_at", "execution_id", "job_id", "provider", "provider_message_id")
NAMES = {"email": "Email", "sms": "SMS", "whatsapp": "WhatsApp"}


class FakeLibrary(Library):
    """Plans requests in the simplest way, and remembers idempotency keys in memory."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._lock = Lock()
        self._receipts: dict[tuple[str, str], tuple[str, Receipt | None]] = {}
        self._events: set[object] = set()

    def send(self, account: str, request: Send, *, idempotency_key: str | None = None) -> Receipt:
        def plan(trigger_id: str) -> Iterator[dict[str, Any]]:
            try:
                self.catalog.template(account, request.template_key, request.channel)
            except NotFound:
                raise InvalidValue("template_key", f"is no {request.channel} template") from None
            contacts = self._audience(account, request)
            yield trigger_fact(account, trigger_id, request) | {
                "flow_type": "direct_channel",
                "trigger_type": request.channel,
                "trigger_source": "direct_api",
                "campaign_name": request.campaign_name
                or f"{NAMES[request.channel]} Send - {request.template_key}",
            }
            execution_id = str(uuid4())
            yield {
                "kind": "execution",
                "account": account,
                "trigger_id": trigger_id,
                "execution_id": execution_id,
                "channel": request.channel,
                "expected_jobs": len(contacts),
            }
            for job_id, contact in enumerate(contacts, 1):
                yield {"kind": "job", "execution_id": execution_id, "job_id": job_id, "contact": contact}

        return self._once(account, request, idempotency_key, plan)

    def run(self, account: str, request: WorkflowRun, *, idempotency_key: str | None = None) -> Receipt:
        def plan(trigger_id: str) -> Iterator[dict[str, Any]]:
            try:
                workflow = self.catalog.workflow(account, request.workflow_name)
            except NotFound:
                raise InvalidValue("workflow_name", "is no workflow") from None
            self._audience(account, request)
            group = workflow.template_group
            yield trigger_fact(account, trigger_id, request) | {
                "flow_type": "workflow",
                "trigger_type": "workflow",
                "trigger_source": "workflow_api",
                "campaign_name": request.campaign_name or workflow.name,
                "workflow": {
                    "id": workflow.id,
                    "name": workflow.name,
                    "execution_id": str(uuid4()),
                    **shape(workflow, self.catalog.template_group(account, group) if group else None),
                },
            }

        return self._once(account, request, idempotency_key, plan)

    def _audience(self, account: str, request: Send | WorkflowRun) -> tuple[str, ...]:
        if request.list_name is None:
            return request.contact_external_ids or (str(request.contact_external_id),)
        try:
            page = self.catalog.list(account, request.list_name, limit=200)
        except NotFound:
            raise InvalidValue("list_name", "is no list") from None
        if not page.contacts:
            raise InvalidValue("list_name", "is empty")
        return page.contacts

    def _once(self, account: str, request: Send | WorkflowRun, key: str | None, plan: Any) -> Receipt:
        known, asked = (account, key or str(uuid4())), digest(request)
        with self._lock:
            if known in self._receipts:
                before, receipt = self._receipts[known]
                if before != asked:
                    raise IdempotencyMismatch
                if receipt is None:
                    raise IdempotencyInFlight
                return evolve(receipt, is_replay=True)
            self._receipts[known] = asked, None
        trigger_id = str(uuid4())
        try:
            self.record(list(plan(trigger_id)))
        except BaseException:
            del self._receipts[known]
            raise
        is_direct = isinstance(request, Send) and request.recipient_type == "contact"
        receipt = Receipt(trigger_id=trigger_id, job_id=1 if is_direct else None)
        self._receipts[known] = asked, receipt
        return receipt

    def cancel(self, account: str, trigger_id: str) -> Trigger:
        self.trigger(account, trigger_id)
        self.record([facts.Cancel(trigger_id=trigger_id, at=datetime.now(UTC))])
        time.sleep(0.002)  # a later cancel has a later time
        return self.trigger(account, trigger_id)

    def record_events(self, account: str, events: Iterable[Mapping[str, object]]) -> EventCounts:
        errors, found = [], []
        for row, event in enumerate(events):
            try:
                found.append(event_fact(account, event))
            except InvalidValue as error:
                errors.append(FactError(row, error.field, error.problem))
        if errors:
            raise FactsRefused(errors)
        fresh = {event.event_id for event in found} - self._events
        self._events |= fresh
        known = [event for event in found if self._is_known(account, event)]
        self.record(known)
        accepted = len({event.event_id for event in known} & fresh)
        return EventCounts(
            accepted=accepted,
            duplicate=len(found) - len(fresh),
            unmatched=len(fresh) - accepted,
        )

    def _is_known(self, account: str, event: facts.Event) -> bool:
        try:
            self.job(account, event.execution_id or "", event.job_id or 1)
        except NotFound:
            return False
        return True


def trigger_fact(account: str, trigger_id: str, request: Send | WorkflowRun) -> dict[str, Any]:
    return {
        "kind": "trigger",
        "account": account,
        "trigger_id": trigger_id,
        "currency": "USD",
        "created_at": datetime.now(UTC),
        "scheduled_at": request.scheduled_at,
    }


def shape(workflow: Workflow, group: TemplateGroup | None) -> dict[str, Any]:
    if group is not None:
        return {
            "type": "template_group",
            "template_group_id": group.id,
            "channels": list(group.templates),
        }
    return {
        "type": "steps",
        "steps": [
            {
                "step_id": step.step_id,
                "step_order": step.step_order,
                "step_name": step.step_name,
                "channel": step.channel,
                "delay_minutes": step.delay_minutes,
            }
            for step in workflow.steps or ()
        ],
    }


def event_fact(account: str, event: Mapping[str, object]) -> facts.Event:
    for name in event:
        if name not in KEYS:
            raise InvalidValue(name, f"is not a known key; known are {', '.join(KEYS)}")
    for name in KEYS[:3]:
        if name not in event:
            raise InvalidValue(name, "is missing")
    members = {"at" if name == "occurred_at" else name: value for name, value in event.items()}
    if members.get("provider") is not None or members.get("provider_message_id") is not None:
        members["account"] = account
    try:
        return facts.Event(**members)  # type: ignore[arg-type]
    except InvalidValue as error:
        raise InvalidValue("occurred_at" if error.field == "at" else error.field, error.problem) from None
