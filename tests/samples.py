"""A few facts that many tests begin with."""

from typing import Any

from trigger_core.facts import Execution, Fact, Trigger, Workflow

DIRECT = "019ab000-0000-7000-8000-000000000001"
EXECUTION = "019ab000-0000-7000-8000-000000000002"
WORKFLOW = "019ab000-0000-7000-8000-000000000003"
CREATED = "2025-11-23T09:59:00.000Z"


def direct_trigger(**execution: Any) -> list[Fact]:
    """A direct SMS send of the account acme, and its execution."""
    return [
        Trigger(
            account="acme",
            trigger_id=DIRECT,
            flow_type="direct_channel",
            trigger_type="sms",
            trigger_source="direct_api",
            campaign_name="SMS Send - otp_us",
            currency="USD",
            created_at=CREATED,
        ),
        Execution(account="acme", trigger_id=DIRECT, execution_id=EXECUTION, channel="sms", **execution),
    ]


def workflow_trigger() -> Trigger:
    """A workflow of two steps of the account acme, with no execution yet."""
    steps = [
        {"step_id": "one", "step_order": 1, "step_name": "First", "channel": "email", "delay_minutes": 0},
        {"step_id": "two", "step_order": 2, "step_name": "Second", "channel": "sms", "delay_minutes": 60},
    ]
    return Trigger(
        account="acme",
        trigger_id=WORKFLOW,
        flow_type="workflow",
        trigger_type="workflow",
        trigger_source="workflow_api",
        campaign_name="Welcome",
        currency="USD",
        created_at=CREATED,
        workflow=Workflow(id="wf", name="Welcome", execution_id="wfex", type="steps", steps=steps),
    )
