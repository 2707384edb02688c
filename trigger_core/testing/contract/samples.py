"""A few facts that many tests begin with."""

from pathlib import Path
from typing import Any

from trigger_core import facts
from trigger_core.facts import Fact

DIRECT = "019ab000-0000-7000-8000-000000000001"
EXECUTION = "019ab000-0000-7000-8000-000000000002"
WORKFLOW = "019ab000-0000-7000-8000-000000000003"
CREATED = "2025-11-23T09:59:00.000Z"

EXAMPLE = Path(__file__).with_name("example.ndjson")
"""A journal of a few triggers of all flows, in every status."""


def fact(kind: str, **values: Any) -> Fact:
    """A fact as its journal line has it."""
    return facts.from_json({"kind": kind, **values})


def direct_trigger(**execution: Any) -> list[Fact]:
    """A direct SMS send of the account acme, and its execution."""
    return [
        fact(
            "trigger",
            account="acme",
            trigger_id=DIRECT,
            flow_type="direct_channel",
            trigger_type="sms",
            trigger_source="direct_api",
            campaign_name="SMS Send - otp_us",
            currency="USD",
            created_at=CREATED,
        ),
        fact(
            "execution",
            account="acme",
            trigger_id=DIRECT,
            execution_id=EXECUTION,
            channel="sms",
            **execution,
        ),
    ]


def jobs(first: int, last: int) -> list[Fact]:
    """Jobs of the direct send, a contact each."""
    return [
        fact(
            "job",
            execution_id=EXECUTION,
            job_id=number,
            contact=f"user_{number}",
            address=f"+1415{number:07}",
        )
        for number in range(first, last + 1)
    ]


def outcome(job_id: int, outcome: str = "sent", at: str = CREATED, **values: Any) -> Fact:
    """How a job of the direct send ended."""
    if outcome == "filtered":
        values = {"code": "opted_out", "reason": "Opted out"} | values
    if outcome == "failed":
        values = {"error": {"code": "30003", "message": "unreachable"}} | values
    return fact("outcome", execution_id=EXECUTION, job_id=job_id, outcome=outcome, at=at, **values)


def workflow_trigger() -> Fact:
    """A workflow of two steps of the account acme, with no execution yet."""
    steps = [
        {"step_id": "one", "step_order": 1, "step_name": "First", "channel": "email", "delay_minutes": 0},
        {"step_id": "two", "step_order": 2, "step_name": "Second", "channel": "sms", "delay_minutes": 60},
    ]
    return fact(
        "trigger",
        account="acme",
        trigger_id=WORKFLOW,
        flow_type="workflow",
        trigger_type="workflow",
        trigger_source="workflow_api",
        campaign_name="Welcome",
        currency="USD",
        created_at=CREATED,
        workflow={"id": "wf", "name": "Welcome", "execution_id": "wfex", "type": "steps", "steps": steps},
    )
