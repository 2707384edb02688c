"""A library with a direct send and a workflow of the account acme, and keys of two accounts."""

from collections.abc import Iterator
from typing import Any

from attrs import frozen

import trigger_core
from trigger_core import Library, facts
from trigger_core.errors import TriggerCoreError

DIRECT = "780cab43-2de4-4ce0-a96b-aeeeed06346c"
WORKFLOW = "123e4567-e89b-12d3-a456-426614174000"
EXECUTION = "85b3b004-5331-4921-b44a-6915f5572a7a"
UNKNOWN = "00000000-0000-4000-8000-000000000000"

TRIGGER = f"/api/v1/triggers/{DIRECT}"
JOBS = f"/api/v1/sms/executions/{EXECUTION}/jobs"
READING = (
    "/api/v1/triggers",
    TRIGGER,
    f"{TRIGGER}/direct",
    f"/api/v1/triggers/{WORKFLOW}/workflow",
    JOBS,
    f"{JOBS}/1",
)
"""One path of every kind that needs a key."""


@frozen
class World:
    """The library, and keys that may read (two accounts') or do all but read."""

    library: Library
    key: str
    strangers_key: str
    sending_key: str


def happened() -> Iterator[dict[str, Any]]:
    """A direct send of five jobs, of which the last is pending, and a workflow yet to start."""
    common = {"kind": "trigger", "account": "acme", "trigger_source": "direct_api", "currency": "USD"}
    yield common | {
        "trigger_id": DIRECT,
        "flow_type": "direct_channel",
        "trigger_type": "sms",
        "campaign_name": "Größe",
        "created_at": "2025-11-23T02:25:28.090Z",
    }
    step = {"step_id": "s1", "step_order": 1, "step_name": "Welcome", "channel": "email", "delay_minutes": 0}
    yield common | {
        "trigger_id": WORKFLOW,
        "flow_type": "workflow",
        "trigger_type": "workflow",
        "campaign_name": "Welcome Series",
        "created_at": "2025-11-23T02:26:28.090Z",
        "workflow": {
            "id": "wf-1",
            "name": "Welcome Series",
            "execution_id": "wfex-1",
            "type": "steps",
            "steps": [step],
        },
    }
    execution = {"execution_id": EXECUTION}
    yield execution | {"kind": "execution", "account": "acme", "trigger_id": DIRECT, "channel": "sms"}
    for job_id in range(1, 6):
        address = f"+91848946253{job_id}"
        yield execution | {"kind": "job", "job_id": job_id, "contact": f"user_{job_id}", "address": address}
    filtered = {"outcome": "filtered", "code": "opted_out", "reason": "Opted out"}
    outcomes: tuple[dict[str, Any], ...] = (
        {"outcome": "sent", "provider": "twilio", "segments": 1, "cost": "0.0300"},
        {"outcome": "failed", "error": {"code": "30003", "message": "unreachable"}},
        filtered,
        filtered,
    )
    for job_id, outcome in enumerate(outcomes, 1):
        at = "2025-11-23T02:25:44.630Z"
        yield execution | outcome | {"kind": "outcome", "job_id": job_id, "at": at}


def opened() -> Library:
    """An empty library that sends."""
    return trigger_core.open(":memory:")


def make() -> World:
    library = opened()
    library.record(map(facts.from_json, happened()))
    return World(
        library=library,
        key=library.create_key("acme", ("read",)).key,
        strangers_key=library.create_key("globex", ("read",)).key,
        sending_key=library.create_key("acme", ("send", "events", "catalog")).key,
    )


def failing(library: Library, error: Exception) -> Any:
    """A library of which every method but ``authenticate`` raises ``error``."""

    class Failing:
        authenticate = staticmethod(library.authenticate)

        def __getattr__(self, name: str) -> Any:
            def fail(*args: object, **named: object) -> None:
                raise error

            return fail

    return Failing()


def caused(error: TriggerCoreError, cause: Exception) -> TriggerCoreError:
    """``error`` as an adapter raises it, with a driver's exception as its cause."""
    error.__cause__ = cause
    return error
