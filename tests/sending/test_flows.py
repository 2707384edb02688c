"""The reference's two flows, as its reader would try them: requests over a socket, from an empty store to the end."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import define, frozen

import trigger_core
from tests.sending.client import WAIT, Client, served
from trigger_core.facts import CHANNELS
from trigger_core.worker import Worker
from trigger_sandbox import SandboxSender

API = "/api/v1"
TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NUMBER = (int, float)


@define
class Clock:
    """The time, with days added by a test."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@frozen
class Service:
    """A running server and worker."""

    client: Client
    clock: Clock


def assert_fits(expected: Any, actual: Any, path: str = "$") -> None:
    """Fail unless a document has every key of the expected one, with the value, the type or the pattern there."""
    match expected:
        case dict():
            assert isinstance(actual, dict), f"{path}: {actual!r}"
            assert expected.keys() <= actual.keys(), f"{path}: {expected.keys() - actual.keys()} missing"
            for key, value in expected.items():
                assert_fits(value, actual[key], f"{path}.{key}")
        case list():
            assert isinstance(actual, list), f"{path}: {actual!r}"
            assert len(actual) == len(expected), f"{path}: {actual!r}"
            for place, value in enumerate(expected):
                assert_fits(value, actual[place], f"{path}[{place}]")
        case re.Pattern():
            assert isinstance(actual, str), f"{path}: {actual!r}"
            assert expected.fullmatch(actual), f"{path}: {actual!r}"
        case type() | tuple():
            assert isinstance(actual, expected), f"{path}: {actual!r}"
            assert not isinstance(actual, bool), f"{path}: {actual!r}"
        case _:
            assert (type(actual), actual) == (type(expected), expected), f"{path}: {actual!r}"


def polled(client: Client, path: str, until: Callable[[Any], object]) -> Any:
    """A document as soon as it is as wanted."""
    deadline = time.monotonic() + WAIT
    while not until(found := client.get(path)):
        assert time.monotonic() < deadline, f"{path} is still {found}"
        time.sleep(0.01)
    return found


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """An empty store, served, with sandbox senders that report at once; the key was made through the library."""
    clock = Clock()
    with trigger_core.open(tmp_path / "store.duckdb", clock=clock) as library:
        key = library.create_key("acme", ("read", "send", "events", "catalog")).key
        senders = {
            channel: SandboxSender(channel, clock=clock, delay=timedelta(0), rates={"delivered": 1})
            for channel in CHANNELS
        }
        with Worker(library, senders) as worker, served(library) as port:
            worker.start()
            yield Service(Client(port, key), clock)
        assert list(library.audit()) == []


@pytest.fixture
def client(service: Service) -> Client:
    """A client with a catalog: two contacts, a template for each channel, and the workflow Welcome Series."""
    client = service.client
    for name, number in (("user_123", "+14155550123"), ("user_456", "+918489462530")):
        client.put(f"contacts/{name}", {"email": f"{name}@example.org", "phone_number": number})
    variant = {"approved": True, "country": "US", "text": "Your code is {{code}}", "price": 0.0075}
    client.put("templates/otp_us/sms", {"variants": [variant], "currency": "USD"})
    for channel in CHANNELS:
        subject = {"subject": "Welcome"} if channel == "email" else {}
        variant = {"approved": True, "text": "Welcome", **subject}
        client.put(f"templates/welcome/{channel}", {"variants": [variant]})
    steps = [
        {
            "step_id": f"step-{place}",
            "step_name": name,
            "channel": channel,
            "template_key": "welcome",
            "delay_minutes": delay,
        }
        for place, (name, channel, delay) in enumerate(
            (
                ("Welcome Email", "email", 0),
                ("Day 1 SMS", "sms", 1440),
                ("Day 3 WhatsApp", "whatsapp", 4320),
            ),
            1,
        )
    ]
    client.put("workflows/Welcome%20Series", {"steps": steps})
    client.put("lists/everyone", {"contacts": ["user_123", "user_456"]})
    return client


def test_a_direct_sms(client: Client) -> None:
    """The first flow: a send to one contact, its summary, its details, its job, and its delivery."""
    send = {"template_key": "otp_us", "recipient_type": "contact", "contact_external_id": "user_123"}
    sent = client("POST", f"{API}/messages/sms/send", send, Idempotency_Key="k1")
    assert sent.status == 202
    assert_fits({"success": True, "trigger_id": UUID, "job_id": "1"}, sent.json)
    trigger_id = sent.json["trigger_id"]

    summary = polled(client, f"{API}/triggers/{trigger_id}", lambda found: found["status"] == "completed")
    details_endpoint = f"/triggers/{trigger_id}/direct"
    assert_fits(
        {
            "id": trigger_id,
            "flow_type": "direct_channel",
            "trigger_type": "sms",
            "trigger_source": "direct_api",
            "campaign_name": "SMS Send - otp_us",
            "status": "completed",
            "created_at": TIME,
            "started_at": TIME,
            "completed_at": TIME,
            "scheduled_at": None,
            "duration_seconds": NUMBER,
            "summary": {"total_contacts": 1, "sent": 1, "failed": 0, "filtered": 0},
            "details_endpoint": details_endpoint,
        },
        summary,
    )
    details = polled(client, API + details_endpoint, lambda found: found["analytics"]["delivered"])
    assert_fits(
        {
            "trigger_id": trigger_id,
            "flow_type": "direct_channel",
            "channel": "sms",
            "execution": {
                "id": UUID,
                "status": "completed",
                "total_contacts": 1,
                "sent_count": 1,
                "failed_count": 0,
                "filtered_count": 0,
                "total_segments": 1,
                "estimated_cost": 0.0075,
                "currency": "USD",
                "started_at": summary["started_at"],
                "completed_at": summary["completed_at"],
            },
            "jobs": {"total": 1, "sent": 1, "failed": 0, "filtered": 0, "filter_reasons": []},
            "analytics": {
                "sent": 1,
                "delivered": 1,
                "failed": 0,
                "clicked": 0,
                "opened": 0,
                "bounced": 0,
                "complained": 0,
            },
            "execution_details_endpoint": f"{API}/sms/executions/{details['execution']['id']}/jobs",
        },
        details,
    )
    jobs = client.get(f"{details['execution_details_endpoint']}?status=sent&limit=50")
    job = {
        "job_id": sent.json["job_id"],
        "phone_number": "+14155550123",
        "contact_external_id": "user_123",
        "status": "sent",
        "filter_reason": None,
        "provider": "sandbox",
        "provider_message_id": str,
        "sent_at": summary["completed_at"],
        "delivered_at": TIME,
    }
    assert_fits({"success": True, "data": {"jobs": [job], "pagination": {"total": 1}}}, jobs)

    replay = client("POST", f"{API}/messages/sms/send", send, Idempotency_Key="k1")
    assert (replay.status, replay.body) == (202, sent.body)
    assert replay.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in sent.headers
    other = client("POST", f"{API}/messages/sms/send", send | {"campaign_name": "x"}, Idempotency_Key="k1")
    assert other.status == 422
    assert len(client.get(f"{API}/triggers")["data"]["triggers"]) == 1


def test_a_contact_that_is_filtered(client: Client) -> None:
    """The reference's own example: no template for the contact's country, so completed at once, and it says why."""
    body = {"template_key": "otp_us", "recipient_type": "contact", "contact_external_id": "user_456"}
    trigger_id = client.post("messages/sms/send", body, 202)["trigger_id"]
    summary = client.get(f"{API}/triggers/{trigger_id}")
    assert_fits({"status": "completed", "summary": {"total_contacts": 1, "sent": 0, "filtered": 1}}, summary)
    details = client.get(API + summary["details_endpoint"])
    reason = {
        "reason": "No approved SMS template for country: IN",
        "count": 1,
        "contacts": ["+918489462530"],
    }
    assert_fits(
        {"total": 1, "sent": 0, "failed": 0, "filtered": 1, "filter_reasons": [reason]}, details["jobs"]
    )
    listed = client.get(f"{details['execution_details_endpoint']}?status=filtered&limit=50")["data"]["jobs"]
    assert_fits([{"phone_number": "+918489462530", "filter_reason": reason["reason"]}], listed)


def step(place: int, name: str, channel: str, status: str, delay: int, **members: Any) -> dict[str, Any]:
    """A step as the reference shows one."""
    return {
        "step_id": f"step-{place}",
        "step_order": place,
        "step_name": name,
        "channel": channel,
        "status": status,
        "delay_minutes": delay,
        "execution": None,
        "jobs": None,
        "analytics": None,
        **members,
    }


def done(channel: str) -> dict[str, Any]:
    """The members of a step that was sent to both contacts."""
    analytics = {
        "email": ("opened", "clicked", "bounced", "complained", "unsubscribed"),
        "sms": ("failed", "clicked", "opened", "bounced", "complained"),
        "whatsapp": ("read", "failed", "replied"),
    }
    return {
        "execution": {
            "id": UUID,
            "status": "completed",
            "total_contacts": 2,
            "sent_count": 2,
            "failed_count": 0,
            "filtered_count": 0,
            "started_at": TIME,
            "completed_at": TIME,
        },
        "jobs": {"total": 2, "sent": 2, "failed": 0, "filtered": 0},
        "analytics": {"sent": 2, "delivered": int, **dict.fromkeys(analytics[channel], 0)},
    }


def test_a_workflow(service: Service, client: Client) -> None:
    """The second flow: a run, its first step sent, the next one scheduled and sent a day later, then a cancel."""
    run = {"workflow_name": "Welcome Series", "recipient_type": "list", "list_name": "everyone"}
    answer = client.post("workflows/trigger", run, 202, Idempotency_Key="k2")
    assert_fits({"success": True, "trigger_id": UUID}, answer)
    trigger_id = answer["trigger_id"]
    path = f"{API}/triggers/{trigger_id}"

    def summary(status: str, sent: int) -> dict[str, Any]:
        return {
            "id": trigger_id,
            "flow_type": "workflow",
            "trigger_type": "workflow",
            "campaign_name": "Welcome Series",
            "status": status,
            "created_at": TIME,
            "started_at": TIME,
            "summary": {"total_contacts": 2, "sent": sent, "failed": 0, "filtered": 0},
            "details_endpoint": f"/triggers/{trigger_id}/workflow",
        }

    def details(completed: int, *steps: Any) -> dict[str, Any]:
        return {
            "trigger_id": trigger_id,
            "flow_type": "workflow",
            "workflow_type": "steps",
            "workflow": {"id": UUID, "name": "Welcome Series", "execution_id": UUID},
            "steps": list(steps),
            "totals": {
                "total_contacts": 2,
                "total_sent": 2 * completed,
                "total_failed": 0,
                "total_filtered": 0,
                "total_cost": NUMBER,
                "currency": "USD",
                "steps_completed": completed,
                "steps_total": 3,
            },
        }

    def is_delivered(place: int) -> Callable[[Any], bool]:
        return lambda found: bool(
            (each := found["steps"][place])["status"] == "completed" and each["analytics"]["delivered"] == 2
        )

    found = polled(client, f"{path}/workflow", is_delivered(0))
    assert_fits(summary("processing", 2) | {"completed_at": None, "duration_seconds": None}, client.get(path))
    email = step(1, "Welcome Email", "email", "completed", 0, **done("email"))
    scheduled = step(2, "Day 1 SMS", "sms", "scheduled", 1440, scheduled_for=TIME)
    assert_fits(details(1, email, scheduled, step(3, "Day 3 WhatsApp", "whatsapp", "pending", 4320)), found)
    assert "scheduled_for" not in found["steps"][2]
    created_at = datetime.fromisoformat(client.get(path)["created_at"])
    assert datetime.fromisoformat(found["steps"][1]["scheduled_for"]) == created_at + timedelta(days=1)

    service.clock.ahead = timedelta(days=1)
    found = polled(client, f"{path}/workflow", is_delivered(1))
    sms = step(2, "Day 1 SMS", "sms", "completed", 1440, **done("sms"))
    scheduled = step(3, "Day 3 WhatsApp", "whatsapp", "scheduled", 4320, scheduled_for=TIME)
    assert_fits(details(2, email, sms, scheduled), found)

    event = {
        "event_id": "e1",
        "type": "opened",
        "occurred_at": "2025-11-23T10:00:00.000Z",
        "execution_id": found["steps"][0]["execution"]["id"],
        "job_id": "1",
    }
    assert_fits(
        {"accepted": 1, "duplicate": 0, "unmatched": 0},
        client.post("events", {"events": [event]}, 200)["data"],
    )
    assert client.post("events", {"events": [event]}, 200)["data"]["duplicate"] == 1
    assert client.get(f"{path}/workflow")["steps"][0]["analytics"]["opened"] == 1

    cancelled = client.post(f"triggers/{trigger_id}/cancel", {}, 200)
    assert_fits(summary("cancelled", 4) | {"completed_at": TIME, "duration_seconds": NUMBER}, cancelled)
    assert client.post(f"triggers/{trigger_id}/cancel", {}, 200) == cancelled == client.get(path)
    service.clock.ahead = timedelta(days=5)
    assert client.post("workflows/trigger", run, 202, Idempotency_Key="k3")["trigger_id"] != trigger_id
    last = step(3, "Day 3 WhatsApp", "whatsapp", "cancelled", 4320)
    found = client.get(f"{path}/workflow")
    opened = email | {"analytics": email["analytics"] | {"opened": 1}}
    assert_fits(details(2, opened, sms, last), found)
    assert client("GET", f"{path}/direct").status == 404
