"""A small journal: two direct SMS sends, one of them with every kind of outcome."""

import json
from typing import Any

TRIGGER = "019ab000-0000-7000-8000-000000000001"
EXECUTION = "019ab000-0000-7000-8000-000000000002"
AT = "2025-11-23T10:00:00.000Z"
EXPECTED = "recorded 1 trigger, 1 execution, 4 job, 1 attempt, 3 outcome, 1 event\n"


def facts(account: str = "acme") -> list[dict[str, Any]]:
    """The facts, in the order of their dependence."""
    job = {"execution_id": EXECUTION, "at": AT}
    trigger = {
        "kind": "trigger",
        "account": account,
        "trigger_id": TRIGGER,
        "flow_type": "direct_channel",
        "trigger_type": "sms",
        "trigger_source": "direct_api",
        "campaign_name": "SMS Send - otp_us",
        "currency": "USD",
        "created_at": AT,
    }
    execution = {"account": account, "trigger_id": TRIGGER, "execution_id": EXECUTION, "channel": "sms"}
    sent = {"provider": "twilio", "provider_message_id": "SM1", "segments": 1, "cost": "0.0300"}
    return [
        trigger,
        {"kind": "execution", **execution},
        *(
            {"kind": "job", "execution_id": EXECUTION, "job_id": number, "contact": f"user_{number}"}
            for number in range(1, 5)
        ),
        {"kind": "attempt", **job, "job_id": 1, "n": 1, "provider": "twilio"},
        {"kind": "outcome", **job, "job_id": 1, "outcome": "sent", **sent},
        {
            "kind": "outcome",
            **job,
            "job_id": 2,
            "outcome": "filtered",
            "code": "opted_out",
            "reason": "Opted out",
        },
        {"kind": "outcome", **job, "job_id": 3, "outcome": "failed", "error": {"code": "1", "message": "é"}},
        {"kind": "event", **job, "job_id": 1, "event_id": "e1", "type": "delivered"},
    ]


def text(facts: list[dict[str, Any]]) -> str:
    """The facts as a journal."""
    return "".join(json.dumps(fact) + "\n" for fact in facts)
