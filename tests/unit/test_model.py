"""The model against worked examples: the reference journal, and the rules one at a time."""

import json
from pathlib import Path
from typing import Any

import pytest

from trigger_core.testing.contract.documents import assert_covers
from trigger_core.testing.contract.model import Document, Fact, Model, Refused, utc

REFERENCE = Path(__file__).parents[2] / "../shared/data/reference.ndjson"
TRIGGER = "019ab000-0000-7000-8000-000000000001"
EXECUTION = "019ab000-0000-7000-8000-000000000002"
OTHER = "019ab000-0000-7000-8000-000000000003"


def at(second: int) -> str:
    return f"2025-11-23T10:00:{second:02}.000Z"


def trigger(**changes: Any) -> Fact:
    direct = {"flow_type": "direct_channel", "trigger_type": "sms", "created_at": at(0)}
    return {
        "kind": "trigger",
        "account": "acme",
        "trigger_id": TRIGGER,
        "currency": "USD",
        **direct,
        **changes,
    }


def steps(count: int, **changes: Any) -> Fact:
    listed = [
        {
            "step_id": f"step-{order}",
            "step_order": order,
            "step_name": f"Step {order}",
            "channel": "sms",
            "delay_minutes": order - 1,
        }
        for order in range(count, 0, -1)
    ]
    workflow = {"id": "wf-1", "name": "Flow", "execution_id": "wfex-1", "type": "steps", "steps": listed}
    return trigger(flow_type="workflow", trigger_type="workflow", workflow=workflow, **changes)


def execution(**changes: Any) -> Fact:
    place = {"trigger_id": TRIGGER, "execution_id": EXECUTION, "channel": "sms"}
    return {"kind": "execution", "account": "acme", **place, **changes}


def job(number: int, **changes: Any) -> Fact:
    return about_job("job", number, contact=f"user_{number}", **changes)


def outcome(number: int, name: str, second: int, **changes: Any) -> Fact:
    return about_job("outcome", number, outcome=name, at=at(second), **changes)


def filtered(number: int, second: int, reason: str) -> Fact:
    return outcome(number, "filtered", second, code="opted_out", reason=reason)


def event(number: int, name: str, second: int) -> Fact:
    return about_job("event", number, event_id=f"{number}:{name}:{second}", type=name, at=at(second))


def about_job(kind: str, number: int, **rest: Any) -> Fact:
    return {"kind": kind, "execution_id": EXECUTION, "job_id": number, **rest}


def cancel(second: int) -> Fact:
    return {"kind": "cancel", "trigger_id": TRIGGER, "at": at(second)}


def started(second: int) -> Fact:
    return {"kind": "started", "execution_id": EXECUTION, "at": at(second)}


def model(*facts: Fact) -> Model:
    recorded = Model()
    recorded.record(list(facts))
    return recorded


def direct(*facts: Fact) -> Document:
    """The direct document of one SMS execution about which these facts are recorded."""
    document = model(trigger(), execution(), *facts).direct(TRIGGER)
    assert document is not None
    return document


def only_job(*facts: Fact) -> Document:
    return model(trigger(), execution(), job(1), *facts).jobs(EXECUTION)[0]


def refusal(recorded: Model, *facts: Fact) -> list[tuple[int, str]]:
    with pytest.raises(Refused) as refused:
        recorded.record(list(facts))
    return refused.value.errors


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference journal is not part of this repository")
def test_reference_journal() -> None:
    """Every document of the reference comes out of its journal, key by key."""
    lines = REFERENCE.read_text().splitlines()
    recorded = model(*map(json.loads, lines))
    reads = {"basic": recorded.trigger, "direct": recorded.direct, "workflow": recorded.workflow}
    for trigger_id, documents in json.loads(REFERENCE.with_suffix(".expected.json").read_text()).items():
        for name, expected in documents.items():
            assert_covers(expected, reads[name](trigger_id), f"{trigger_id}.{name}")


def test_difference_is_named_by_its_path() -> None:
    """A document that differs is reported with the place of the difference; extra keys are not."""
    assert_covers({"a": [{"b": 1.0}]}, {"a": [{"b": 1, "c": 2}], "d": 3})
    with pytest.raises(AssertionError, match=r"\$\.a\[0\]\.b: expected 1, found True"):
        assert_covers({"a": [{"b": 1}]}, {"a": [{"b": True}]})
    with pytest.raises(AssertionError, match=r"\$\.a\.b: missing"):
        assert_covers({"a": {"b": None}}, {"a": {}})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-11-23T10:00:00Z", "2025-11-23T10:00:00.000Z"),
        ("2025-11-23T10:00:00.1Z", "2025-11-23T10:00:00.100Z"),
        ("2025-11-23T10:00:00.0009999999Z", "2025-11-23T10:00:00.000Z"),
        ("2025-11-24T00:30:00.5+14:00", "2025-11-23T10:30:00.500Z"),
        ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_cut(text: str, moment: str) -> None:
    """A time is brought to UTC and cut, never rounded, to milliseconds."""
    assert utc(text) == moment


def test_earliest_fact_wins_whole() -> None:
    """Of two facts about one outcome the earlier gives everything shown, also what only the later says."""
    later = outcome(1, "sent", 5, provider="ses", segments=2, cost="0.5")
    shown = only_job(later, outcome(1, "sent", 4, provider="twilio"))
    assert (shown["sent_at"], shown["provider"], shown["segments"], shown["cost"]) == (
        at(4),
        "twilio",
        None,
        None,
    )


def test_ties_go_to_the_smaller_text() -> None:
    """Facts of one millisecond are ordered by their canonical text, in which amounts are strings."""
    low, high = (outcome(1, "sent", 5, cost=cost) for cost in ("10", "9.5"))
    assert only_job(low, high)["cost"] == only_job(high, low)["cost"] == 10.0


def test_outcomes_rank() -> None:
    """A job that was sent is sent, whatever else was recorded for it, and keeps the other times."""
    shown = only_job(outcome(1, "cancelled", 1), filtered(1, 2, "opted out"), outcome(1, "sent", 3))
    assert (shown["status"], shown["filter_reason"]) == ("sent", None)
    assert (shown["cancelled_at"], shown["filtered_at"], shown["sent_at"]) == (at(1), at(2), at(3))


def test_only_sent_jobs_cost() -> None:
    """Segments and cost of a job that was not sent are shown with the job and counted nowhere."""
    error = {"code": "rejected", "message": "no"}
    lost = outcome(1, "failed", 1, error=error, segments=2, cost="0.03")
    recorded = model(
        trigger(), execution(), job(1), job(2), lost, outcome(2, "sent", 2, segments=1, cost="0.01")
    )
    document = recorded.direct(TRIGGER)
    assert document is not None
    assert (document["execution"]["total_segments"], document["execution"]["estimated_cost"]) == (1, 0.01)
    assert (recorded.jobs(EXECUTION)[0]["segments"], recorded.jobs(EXECUTION)[0]["cost"]) == (2, 0.03)


def test_attempts() -> None:
    """Attempts are counted by number; while the job is pending the last one says when the next is due."""
    error = {"code": "timeout", "message": "no answer"}
    first = about_job("attempt", 1, n=1, at=at(1), provider="ses", error=error, next_attempt_at=at(30))
    second = about_job("attempt", 1, n=2, at=at(2), provider="ses", error=error, next_attempt_at=at(20))
    shown = only_job(second, first, first | {"at": at(3)})
    assert (shown["attempts"], shown["next_attempt_at"]) == (2, at(20))
    assert only_job(first, second, outcome(1, "sent", 4))["next_attempt_at"] is None


def test_later_events_imply_delivery() -> None:
    """Whoever clicked was reached, at that time or before; being unsubscribed says nothing of it."""
    assert only_job(event(1, "clicked", 5), event(1, "delivered", 7))["delivered_at"] == at(5)
    assert only_job(event(1, "unsubscribed", 5))["delivered_at"] is None
    assert direct(job(1), event(1, "read", 5))["analytics"]["delivered"] == 1


def test_events_wait_for_their_job() -> None:
    """An event counts from the moment its job is known, by number or by any message that ever named it."""
    early = event(1, "opened", 9)
    named = {"account": "acme", "provider": "ses", "provider_message_id": "m1"}
    by_message = {"kind": "event", "event_id": "x", "type": "bounced", "at": at(9), **named}
    recorded = model(early, by_message, trigger(), execution())
    recorded.record([job(1)])
    assert (recorded.jobs(EXECUTION)[0]["opened_at"], recorded.jobs(EXECUTION)[0]["bounced_at"]) == (
        at(9),
        None,
    )
    loser = outcome(1, "sent", 8, provider="ses", provider_message_id="m1")
    recorded.record([outcome(1, "sent", 1), loser])
    assert recorded.jobs(EXECUTION)[0]["bounced_at"] == at(9)


def test_filter_reasons() -> None:
    """Reasons come by number of contacts, then by code point; ten contacts stand for the rest."""
    facts = [fact for number in range(1, 12) for fact in (job(number), filtered(number, 1, "\uff5e"))]
    facts += [job(12, address="+1"), filtered(12, 1, "😀"), job(13), filtered(13, 1, "Z")]
    contacts = [f"user_{number}" for number in range(1, 11)]
    assert direct(*facts)["jobs"]["filter_reasons"] == [
        {"reason": "\uff5e", "count": 11, "contacts": contacts, "contacts_truncated": True},
        {"reason": "Z", "count": 1, "contacts": ["user_13"]},
        {"reason": "😀", "count": 1, "contacts": ["+1"]},
    ]


def test_expected_jobs_are_pending() -> None:
    """Jobs that were announced and not recorded are pending; the largest announcement holds."""
    jobs = direct(execution(expected_jobs=3), execution(expected_jobs=2), job(1), outcome(1, "sent", 1))[
        "jobs"
    ]
    assert (jobs["total"], jobs["sent"], jobs["pending"]) == (3, 1, 2)


@pytest.mark.parametrize(
    ("facts", "status", "begin", "end"),
    [
        ([], "pending", None, None),
        ([started(1)], "pending", at(1), None),
        ([cancel(9)], "cancelled", None, at(9)),
        ([execution(expected_jobs=0)], "completed", at(0), at(0)),
        ([execution(expected_jobs=0), started(1), cancel(9)], "completed", at(1), at(1)),
        ([execution(expected_jobs=2), started(1)], "processing", at(1), None),
        ([job(1)], "pending", None, None),
        ([job(1), job(2), filtered(1, 2, "opted out")], "pending", None, None),
        ([job(1), job(2), outcome(1, "sent", 2)], "processing", at(2), None),
        ([job(1), filtered(1, 2, "opted out"), filtered(1, 5, "opted out")], "completed", at(2), at(5)),
        ([job(1), outcome(1, "failed", 3, error={"code": "a", "message": "b"})], "failed", at(3), at(3)),
        ([job(1), job(2), outcome(1, "sent", 3), cancel(2)], "cancelled", at(3), at(3)),
        (
            [job(1), job(2), outcome(1, "sent", 3), outcome(2, "sent", 4), cancel(9)],
            "completed",
            at(3),
            at(4),
        ),
        ([job(1), outcome(1, "cancelled", 3), cancel(9)], "cancelled", None, at(3)),
    ],
)
def test_status_and_times(facts: list[Fact], status: str, begin: str | None, end: str | None) -> None:
    """A direct trigger and its execution agree on status, start and end, whatever was recorded."""
    recorded = model(trigger(), execution(), *facts)
    document = recorded.direct(TRIGGER)
    assert document is not None
    for shown in (document["execution"], recorded.trigger(TRIGGER)):
        assert (shown["status"], shown["started_at"], shown["completed_at"]) == (status, begin, end)


def test_steps_to_come() -> None:
    """The first step without an execution is scheduled from the workflow's start, the others are pending."""
    recorded = model(
        steps(3, scheduled_at=at(30)), execution(step_id="step-1"), job(1), outcome(1, "sent", 1)
    )
    workflow = recorded.workflow(TRIGGER)
    assert workflow is not None
    assert [step["status"] for step in workflow["steps"]] == ["completed", "scheduled", "pending"]
    assert [step.get("scheduled_for") for step in workflow["steps"]] == [
        None,
        "2025-11-23T10:01:30.000Z",
        None,
    ]
    assert recorded.trigger(TRIGGER)["status"] == "processing"


def test_cancel_ends_steps_to_come() -> None:
    """A cancel ends what has not begun, and only then is it part of the end of the trigger."""
    facts = [execution(step_id="step-1"), job(1), outcome(1, "sent", 1), cancel(9)]
    ended, untouched = model(steps(2), *facts), model(steps(1), *facts)
    workflow = ended.workflow(TRIGGER)
    assert workflow is not None
    assert [step["status"] for step in workflow["steps"]] == ["completed", "cancelled"]
    assert [ended.trigger(TRIGGER)[key] for key in ("status", "completed_at")] == ["cancelled", at(9)]
    assert [untouched.trigger(TRIGGER)[key] for key in ("status", "completed_at")] == ["completed", at(1)]


def test_contacts_are_counted_once() -> None:
    """A contact of two executions is one of the trigger's, unless one execution alone has more jobs."""
    second = execution(step_id="step-2", execution_id=OTHER)
    facts = [steps(2), execution(step_id="step-1"), second, job(1), job(2), job(2) | {"execution_id": OTHER}]
    assert model(*facts).trigger(TRIGGER)["summary"]["total_contacts"] == 2
    more = model(*facts, second | {"expected_jobs": 5})
    assert more.trigger(TRIGGER)["summary"]["total_contacts"] == 5


@pytest.mark.parametrize(
    ("fact", "name"),
    [
        (trigger(campaign_name="other"), "campaign_name"),
        (trigger(trigger_id=OTHER, currency="EUR"), "currency"),
        (execution(trigger_id=OTHER, execution_id=OTHER), "trigger_id"),
        (execution(channel="email"), "channel"),
        (execution(execution_id=OTHER), "execution_id"),
        (execution(execution_id=OTHER, step_id="step-1"), "step_id"),
        (started(1) | {"execution_id": OTHER}, "execution_id"),
        (job(1, address="+1"), "address"),
        (outcome(3, "sent", 1), "job_id"),
        (outcome(2, "sent", 1, provider="ses", provider_message_id="m1"), "provider_message_id"),
        (cancel(1) | {"trigger_id": OTHER}, "trigger_id"),
    ],
)
def test_refusals(fact: Fact, name: str) -> None:
    """A call with one fact that contradicts what is known, or lacks what it needs, leaves no trace."""
    message = {"provider": "ses", "provider_message_id": "m1"}
    recorded = model(trigger(), execution(), job(1), job(2), outcome(1, "sent", 1, **message))
    before = recorded.direct(TRIGGER), recorded.jobs(EXECUTION)
    assert refusal(recorded, event(1, "opened", 2), fact, job(4)) == [(1, name)]
    assert (recorded.direct(TRIGGER), recorded.jobs(EXECUTION)) == before


def test_same_fact_in_other_words() -> None:
    """A repeated fact may spell its times differently and leave out what is null."""
    recorded = model(trigger(scheduled_at=None), execution(), job(1, address=None))
    recorded.record(
        [job(1), execution(expected_jobs=1), trigger(created_at="2025-11-23T11:00:00.0001+01:00")]
    )
    assert recorded.trigger(TRIGGER)["summary"]["total_contacts"] == 1
