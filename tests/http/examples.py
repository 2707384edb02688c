"""The examples in the OpenAPI document: what an application really answers, kept beside it.

``python -m tests.http.examples`` writes them anew, from the same facts.
"""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from falcon.testing import Result, TestClient

import trigger_core
import trigger_falcon
from tests.http.world import failing
from trigger_core import Library, answers, facts
from trigger_core.errors import IdempotencyInFlight, IdempotencyMismatch, MissingExtra, StoreUnavailable
from trigger_core.sending import EventCounts, Receipt, Send
from trigger_falcon import create_app

FILE: Final = Path(trigger_falcon.__file__).with_name("_examples.json")

SMS: Final = "780cab43-2de4-4ce0-a96b-aeeeed06346c"
STEPS: Final = "123e4567-e89b-12d3-a456-426614174000"
GROUP: Final = "456def00-0000-4000-8000-000000000001"
SMS_SEND: Final = "85b3b004-5331-4921-b44a-6915f5572a7a"
EMAIL_STEP: Final = "0e5b1c1e-7f4e-4c55-9f3c-3f6f0a0b7d11"
CHANNELS: Final = {
    "email": "5f0c5a52-8b1d-4ec8-bb0e-2f5b7a8a0c01",
    "sms": "5f0c5a52-8b1d-4ec8-bb0e-2f5b7a8a0c02",
    "whatsapp": "5f0c5a52-8b1d-4ec8-bb0e-2f5b7a8a0c03",
}
ADDRESSES: Final = {"email": "ana@example.org", "sms": "+14155550101", "whatsapp": "+14155550101"}

ANSWERS: Final = {
    "listTriggers": {"page": "/api/v1/triggers?limit=2"},
    "getTrigger": {"direct_channel": f"/api/v1/triggers/{SMS}", "workflow": f"/api/v1/triggers/{STEPS}"},
    "getDirectDetails": {"sms": f"/api/v1/triggers/{SMS}/direct"},
    "getWorkflowDetails": {
        "steps": f"/api/v1/triggers/{STEPS}/workflow",
        "template_group": f"/api/v1/triggers/{GROUP}/workflow",
    },
    "listEmailJobs": {"page": f"/api/v1/messages/executions/{EMAIL_STEP}/jobs"},
    "getEmailJob": {"sent": f"/api/v1/messages/executions/{EMAIL_STEP}/jobs/1"},
    "listSmsJobs": {"filtered": f"/api/v1/sms/executions/{SMS_SEND}/jobs?status=filtered"},
    "getSmsJob": {"filtered": f"/api/v1/sms/executions/{SMS_SEND}/jobs/1"},
    "listWhatsappJobs": {"page": f"/api/v1/whatsapp/executions/{CHANNELS['whatsapp']}/jobs"},
    "getWhatsappJob": {"read": f"/api/v1/whatsapp/executions/{CHANNELS['whatsapp']}/jobs/1"},
    "getContact": {"contact": "/api/v1/contacts/user_123"},
    "getTemplate": {"sms": "/api/v1/templates/otp_us/sms"},
    "getTemplateGroup": {"group": "/api/v1/template-groups/otp"},
    "getWorkflow": {"template_group": "/api/v1/workflows/Multi-Channel%20OTP"},
    "getList": {"page": "/api/v1/lists/everyone?limit=1"},
    "getHealth": {"well": "/healthz"},
}
"""Requests that are answered, by operationId and a name for the example."""

_HELLO: Final = "Your code: {{code}}"
PUTS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "putContact": (
        "contact",
        "/api/v1/contacts/user_123",
        {"email": "ana@example.org", "phone_number": "+918489462530", "attributes": {"first_name": "Ana"}},
    ),
    "putTemplate": (
        "sms",
        "/api/v1/templates/otp_us/sms",
        {
            "variants": [{"country": "US", "approved": True, "text": _HELLO, "price": 0.0075}],
            "currency": "USD",
        },
    ),
    "putTemplateGroup": ("group", "/api/v1/template-groups/otp", {"templates": {"sms": "otp_us"}}),
    "putWorkflow": (
        "template_group",
        "/api/v1/workflows/Multi-Channel%20OTP",
        {"template_group": "otp"},
    ),
    "putList": ("page", "/api/v1/lists/everyone", {"contacts": ["user_123", "user_124"]}),
}
"""What is put, in this order: by operationId a name for the example, its path and its body."""

RUN: Final = "01890a5d-ac96-7000-8000-00000000cafe"
_JOB: Final = {"execution_id": CHANNELS["sms"], "job_id": "1"}
POSTS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "sendEmail": (
        "list",
        "/api/v1/messages/email/send",
        {
            "template_key": "newsletter",
            "recipient_type": "list",
            "list_name": "everyone",
            "campaign_name": "November news",
            "scheduled_at": "2025-11-24T08:00:00.000Z",
        },
    ),
    "sendSms": (
        "contact",
        "/api/v1/messages/sms/send",
        {"template_key": "otp_us", "recipient_type": "contact", "contact_external_id": "user_123"},
    ),
    "sendWhatsapp": (
        "contacts",
        "/api/v1/messages/whatsapp/send",
        {
            "template_key": "hello",
            "recipient_type": "contacts",
            "contact_external_ids": ["user_123", "user_124"],
            "variables": {"city": "Pune"},
        },
    ),
    "triggerWorkflow": (
        "contact",
        "/api/v1/workflows/trigger",
        {"workflow_name": "Welcome Series", "recipient_type": "contact", "contact_external_id": "user_123"},
    ),
    "cancelTrigger": ("cancelled", f"/api/v1/triggers/{RUN}/cancel", {}),
    "recordEvents": (
        "events",
        "/api/v1/events",
        {
            "events": [
                {"event_id": "evt-1", "type": "clicked", "occurred_at": "2025-11-23T10:09:12.250Z"} | _JOB,
                {
                    "event_id": "evt-2",
                    "type": "delivered",
                    "occurred_at": "2025-11-23T10:09:12Z",
                    "provider": "twilio",
                    "provider_message_id": "SM1f0e8ae6ade43cb3c0ce4525424e404f",
                },
            ]
        },
    ),
}
"""What is posted: by operationId a name for the example, its path and its body."""


def happened() -> Iterator[dict[str, Any]]:
    """A filtered SMS, a series of three steps with its first one done, and a template group's three channels."""
    made = {"kind": "trigger", "account": "acme", "currency": "USD"}
    workflow = made | {"flow_type": "workflow", "trigger_type": "workflow", "trigger_source": "workflow_api"}
    yield made | {
        "trigger_id": SMS,
        "flow_type": "direct_channel",
        "trigger_type": "sms",
        "trigger_source": "direct_api",
        "campaign_name": "SMS Send - otp_us",
        "created_at": "2025-11-23T02:25:28.090Z",
    }
    yield _execution(SMS, SMS_SEND, "sms")
    yield {"kind": "started", "execution_id": SMS_SEND, "at": "2025-11-23T02:25:44.499Z"}
    yield _job(SMS_SEND, 1, "user_123", "+918489462530")
    yield {
        "kind": "outcome",
        "execution_id": SMS_SEND,
        "job_id": 1,
        "outcome": "filtered",
        "at": "2025-11-23T02:25:44.630Z",
        "code": "no_approved_template",
        "reason": "No approved SMS template for country: IN",
    }
    steps = (("Welcome Email", "email", 0), ("Day 1 SMS", "sms", 1440), ("Day 3 WhatsApp", "whatsapp", 4320))
    yield workflow | {
        "trigger_id": STEPS,
        "campaign_name": "Welcome Series",
        "created_at": "2025-11-23T10:00:00.000Z",
        "workflow": {
            "id": "wf-456",
            "name": "Welcome Series",
            "execution_id": "wfex-789",
            "type": "steps",
            "steps": [
                {
                    "step_id": f"step-{order}",
                    "step_order": order,
                    "step_name": name,
                    "channel": channel,
                    "delay_minutes": delay,
                }
                for order, (name, channel, delay) in enumerate(steps, 1)
            ],
        },
    }
    yield _execution(STEPS, EMAIL_STEP, "email") | {"step_id": "step-1"}
    yield from _sent(EMAIL_STEP, 1, "user_123", "email", "0.0004", "opened")
    yield _job(EMAIL_STEP, 2, "user_124", "nobody@example.org")
    yield {
        "kind": "outcome",
        "execution_id": EMAIL_STEP,
        "job_id": 2,
        "outcome": "failed",
        "at": "2025-11-23T10:05:00.000Z",
        "provider": "ses",
        "error": {"code": "550", "message": "No such mailbox"},
    }
    yield workflow | {
        "trigger_id": GROUP,
        "campaign_name": "Multi-Channel OTP",
        "created_at": "2025-11-23T09:00:00.000Z",
        "workflow": {
            "id": "wf-789",
            "name": "Multi-Channel OTP",
            "execution_id": "wfex-123",
            "type": "template_group",
            "template_group_id": "tg-456",
            "channels": list(CHANNELS),
        },
    }
    for channel, cost, event in (
        ("email", "0.0004", "clicked"),
        ("sms", "0.03", "delivered"),
        ("whatsapp", "0.0297", "read"),
    ):
        yield _execution(GROUP, CHANNELS[channel], channel)
        yield from _sent(CHANNELS[channel], 1, "user_123", channel, cost, event)


def _execution(trigger_id: str, execution_id: str, channel: str) -> dict[str, Any]:
    ids = {"trigger_id": trigger_id, "execution_id": execution_id}
    return {"kind": "execution", "account": "acme", "channel": channel, **ids}


def _job(execution_id: str, job_id: int, contact: str, address: str) -> dict[str, Any]:
    ids = {"execution_id": execution_id, "job_id": job_id}
    return {"kind": "job", **ids, "contact": contact, "address": address}


def _sent(
    execution_id: str, job_id: int, contact: str, channel: str, cost: str, event: str
) -> Iterator[dict[str, Any]]:
    ids = {"execution_id": execution_id, "job_id": job_id}
    provider = {"email": "ses", "sms": "twilio", "whatsapp": "meta"}[channel]
    yield _job(execution_id, job_id, contact, ADDRESSES[channel])
    yield ids | {
        "kind": "outcome",
        "outcome": "sent",
        "at": "2025-11-23T10:00:02.500Z",
        "provider": provider,
        "provider_message_id": f"{provider}-{execution_id[-4:]}",
        "cost": cost,
        **({"segments": 1} if channel == "sms" else {}),
    }
    at = "2025-11-23T10:07:31.000Z"
    yield ids | {"kind": "event", "event_id": f"{execution_id}-{event}", "type": event, "at": at}


def _posts(library: Library, client: TestClient, key: dict[str, str]) -> dict[str, Any]:
    """The answers to what is posted, with the reference's ids."""

    def cancel(account: str, trigger_id: str) -> answers.Trigger:
        library.record([facts.Cancel(trigger_id=trigger_id, at="2025-11-23T12:00:00.000Z")])  # type: ignore[arg-type]
        return library.trigger(account, trigger_id)

    run = next(happened()) | {"trigger_id": RUN, "scheduled_at": "2025-11-24T08:00:00.000Z"}
    library.record([facts.from_json(run)])
    counts = EventCounts(accepted=1, duplicate=0, unmatched=1)
    with (
        patch.object(library, "send", lambda account, request, **_: _receipt(request, SMS)),
        patch.object(library, "run", lambda account, request, **_: Receipt(trigger_id=STEPS)),
        patch.object(library, "cancel", cancel),
        patch.object(library, "record_events", lambda *_: counts),
    ):
        return {
            operation: {name: client.simulate_post(path, headers=key, json=body).json}
            for operation, (name, path, body) in POSTS.items()
        }


def _receipt(request: Send, trigger_id: str) -> Receipt:
    return Receipt(trigger_id=trigger_id, job_id=1 if request.recipient_type == "contact" else None)


def _refused(library: Library, client: TestClient, key: dict[str, str], error: Exception) -> Result:
    """The answer to a send that the library refuses."""
    _, path, body = POSTS["sendSms"]
    with patch.object(library, "send", side_effect=error):
        return client.simulate_post(path, headers={**key, "Idempotency-Key": "order-1"}, json=body)


def make() -> dict[str, Any]:
    """Every example, asked of an application with these facts."""
    ids = (f"01890a5d-ac96-7000-8000-{number:012}" for number in count(1))
    with trigger_core.open(":memory:") as library, patch("trigger_core._catalog.new_id", lambda: next(ids)):
        library.record(map(facts.from_json, happened()))
        key = {"X-API-Key": library.create_key("acme", ("read", "send", "events", "catalog")).key}
        other = {"X-API-Key": library.create_key("acme", ("send",)).key}
        client = TestClient(create_app(library))
        broken = TestClient(create_app(failing(library, StoreUnavailable())))
        failed = TestClient(create_app(failing(library, RuntimeError())))
        trigger = f"/api/v1/triggers/{SMS}"
        put = {
            operation: {name: client.simulate_put(path, headers=key, json=body).json}
            for operation, (name, path, body) in PUTS.items()
        }
        contact = PUTS["putContact"][1]
        with patch.object(library.catalog, "replace", side_effect=MissingExtra("e-mail addresses", "send")):
            incomplete = client.simulate_put(contact, headers=key, json={})
        problems = {
            "invalid-request": client.simulate_get(f"{trigger}?colour=red", headers=key),
            "wrong-flow": client.simulate_get(f"{trigger}/workflow", headers=key),
            "Unauthorized": client.simulate_get(trigger),
            "Forbidden": client.simulate_get(trigger, headers=other),
            "NotFound": client.simulate_get(f"{trigger[:-1]}0", headers=key),
            "MethodNotAllowed": client.simulate_post(trigger, headers=key),
            "idempotency-in-flight": _refused(library, client, key, IdempotencyInFlight()),
            "idempotency-mismatch": _refused(library, client, key, IdempotencyMismatch()),
            "ContentTooLarge": client.simulate_put(contact, headers=key, json={"email": "x" * 2**20}),
            "UnsupportedMediaType": client.simulate_put(
                contact, headers={**key, "Content-Type": "text/plain"}, body="email"
            ),
            "InternalServerError": failed.simulate_get(trigger, headers=key),
            "NotImplemented": incomplete,
            "ServiceUnavailable": broken.simulate_get(trigger, headers=key),
        }
        got = {
            operation: {name: client.simulate_get(path, headers=key).json for name, path in asked.items()}
            for operation, asked in ANSWERS.items()
        }
        return {
            "requests": {operation: {name: body} for operation, (name, _, body) in (PUTS | POSTS).items()},
            "answers": got | put | _posts(library, client, key),
            "problems": {name: answer.json for name, answer in problems.items()},
        }


if __name__ == "__main__":
    FILE.write_text(json.dumps(make(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
