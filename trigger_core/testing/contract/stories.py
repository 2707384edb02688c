"""Facts about one trigger, cut into calls, as a busy host would record them."""

from random import Random
from typing import Any

Fact = dict[str, Any]
History = list[list[Fact]]

START = "2025-11-23T10:00"


def story(number: int, jobs: int, calls: int) -> History:
    """The history of one trigger: a direct send, or a workflow of two steps, each of some jobs.

    Outcomes compete, events come by job and by message, some before their job, some twice, and every third trigger
    is cancelled. One number gives one story.
    """
    dice = Random(number)
    trigger_id = f"019ab000-{number:04x}-7000-8000-000000005000"
    channels = ("sms",) if number % 2 else ("email", "whatsapp")
    facts = [_trigger(number, trigger_id, channels)]
    for place, channel in enumerate(channels):
        execution = {
            "kind": "execution",
            "account": "acme",
            "trigger_id": trigger_id,
            "execution_id": f"019ab000-{number:04x}-7000-8000-00000000700{place}",
            "channel": channel,
            "expected_jobs": jobs,
        }
        facts.append(execution | ({} if len(channels) == 1 else {"step_id": f"step-{place}"}))
        for job_id in range(1, jobs + 1):
            facts += _life(dice, str(execution["execution_id"]), job_id)
    if number % 3 == 0:
        facts.append({"kind": "cancel", "trigger_id": trigger_id, "at": f"{START}:59.000Z"})
    return _cut(dice, facts, calls)


def _cut(dice: Random, facts: list[Fact], calls: int) -> History:
    """The trigger and its executions in the first call, the rest in any; none but events before their job."""
    history: History = [[] for _ in range(calls)]
    first: dict[tuple[str, int], int] = {}
    for fact in facts:
        call = 0 if fact["kind"] in ("trigger", "execution") else dice.randrange(calls)
        if fact["kind"] == "job":
            call = first[fact["execution_id"], fact["job_id"]] = call // 2
        elif fact["kind"] in ("attempt", "outcome"):
            call = max(call, first[fact["execution_id"], fact["job_id"]])
        history[call].append(fact)
        if dice.random() < 0.1:
            history[dice.randrange(call, calls)].append(fact)
    for facts in history:
        dice.shuffle(facts)
    return [facts for facts in history if facts]


def _trigger(number: int, trigger_id: str, channels: tuple[str, ...]) -> Fact:
    fact: Fact = {
        "kind": "trigger",
        "account": "acme",
        "trigger_id": trigger_id,
        "flow_type": "direct_channel",
        "trigger_type": channels[0],
        "trigger_source": "direct_api",
        "campaign_name": f"story {number}",
        "currency": "USD",
        "created_at": f"{START}:00.000Z",
    }
    if len(channels) == 1:
        return fact
    steps = [
        {
            "step_id": f"step-{place}",
            "step_order": place,
            "step_name": channel,
            "channel": channel,
            "delay_minutes": 0,
        }
        for place, channel in enumerate(channels)
    ]
    run = {"id": "wf", "name": "Story", "execution_id": f"wfex-{number}", "type": "steps", "steps": steps}
    return fact | {"flow_type": "workflow", "trigger_type": "workflow", "workflow": run}


def _life(dice: Random, execution_id: str, job_id: int) -> list[Fact]:
    """A job, what was tried, how it ended, and what was heard of it later."""
    target = {"execution_id": execution_id, "job_id": job_id}

    def at() -> str:
        return f"{START}:{dice.randrange(60):02}.{dice.randrange(1000):03}Z"

    message = {"provider": "ses", "provider_message_id": f"{execution_id}:{job_id}"}
    outcomes: dict[str, Fact] = {
        "sent": {**message, "segments": 1, "cost": "0.0075"},
        "failed": {"error": {"code": "500", "message": "unreachable"}},
        "filtered": {"code": "opted_out", "reason": f"reason {dice.randrange(3)}"},
        "cancelled": {},
    }
    facts: list[Fact] = [
        {"kind": "job", **target, "contact": f"user_{job_id}"},
        {"kind": "attempt", **target, "n": 1, "at": at(), "provider": "ses"},
    ]
    ends = dice.sample(sorted(outcomes), dice.choice((0, 1, 1, 2)))
    facts += [{"kind": "outcome", **target, "outcome": end, "at": at(), **outcomes[end]} for end in ends]
    for kind in dice.sample(("delivered", "opened", "clicked", "bounced"), dice.randrange(3)):
        named = {"account": "acme", **message} if dice.random() < 0.5 else target
        facts.append({"kind": "event", "event_id": f"{job_id}:{kind}", "type": kind, "at": at(), **named})
    return facts
