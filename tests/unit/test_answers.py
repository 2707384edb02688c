"""Answers: their exact JSON, and back."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

import trigger_core
from trigger_core import Library, answers
from trigger_core.testing.contract.samples import (
    DIRECT,
    EXECUTION,
    WORKFLOW,
    direct_trigger,
    fact,
    jobs,
    outcome,
    workflow_trigger,
)

CLASSES = [
    cls
    for cls in vars(answers).values()
    if isinstance(cls, type) and attrs.has(cls) and cls.__module__ == answers.__name__
]
SIMPLE: dict[object, SearchStrategy[Any]] = {
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    int: st.integers(0, 2**53),
    float: st.integers(0, 10**12).map(lambda number: number / 1000),
    bool: st.booleans(),
    NoneType: st.none(),
    Decimal: st.integers(0, 10**15).map(lambda micros: Decimal(micros).scaleb(-6)),
    datetime: st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31)).map(  # noqa: DTZ001
        lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    ),
}


def drawn(hint: Any) -> SearchStrategy[Any]:
    """Values of a field with this type."""
    origin, parts = get_origin(hint), get_args(hint)
    if hint in SIMPLE:
        return SIMPLE[hint]
    if origin is Literal:
        return st.sampled_from(parts)
    if origin in (Union, UnionType):
        return st.one_of(*map(drawn, parts))
    if origin is tuple:
        return st.lists(drawn(parts[0]), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(drawn(parts[0]), drawn(parts[1]), max_size=2)
    assert origin is None, hint
    return st.deferred(lambda: instances(hint))


def instances(cls: type[Any]) -> SearchStrategy[Any]:
    """Answers of a class."""
    hints = get_type_hints(cls)
    return st.builds(cls, **{member.name: drawn(hints[member.name]) for member in attrs.fields(cls)})


def keys(value: Any) -> Any:
    """The keys of a document, in their order, without its values."""
    if isinstance(value, dict):
        return {key: keys(member) for key, member in value.items()}
    return [keys(member) for member in value] if isinstance(value, list) else None


def ordered(value: Any) -> Any:
    """A document in which the order of keys matters to `==`."""
    if isinstance(value, dict):
        return [(key, ordered(member)) for key, member in value.items()]
    return [ordered(member) for member in value] if isinstance(value, list) else value


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_answer_survives_json(cls: type[Any]) -> None:
    """What to_json says of an answer is plain JSON, and from_json makes the same answer of it."""

    @settings(max_examples=25, deadline=None)
    @given(instances(cls))
    def check(answer: Any) -> None:
        text = json.dumps(answers.to_json(answer), allow_nan=False)
        assert answers.from_json(json.loads(text), cls) == answer

    check()


TRIGGER = {
    "id": None,
    "flow_type": None,
    "trigger_type": None,
    "trigger_source": None,
    "campaign_name": None,
    "status": None,
    "created_at": None,
    "started_at": None,
    "completed_at": None,
    "scheduled_at": None,
    "duration_seconds": None,
    "summary": {"total_contacts": None, "sent": None, "failed": None, "filtered": None},
    "details_endpoint": None,
}
TIMES = {"started_at": None, "completed_at": None}
COUNTS = {"total_contacts": None, "sent_count": None, "failed_count": None, "filtered_count": None}
COST = {"estimated_cost": None, "currency": None}
JOBS = {"total": None, "sent": None, "failed": None, "filtered": None, "cancelled": None, "pending": None}
EXECUTION_KEYS = {"id": None, "status": None, **COUNTS, **COST, **TIMES}
SMS_EXECUTION = {"id": None, "status": None, **COUNTS, "total_segments": None, **COST, **TIMES}
REASON = {"reason": None, "count": None, "contacts": [None]}
EMAIL = dict.fromkeys(("sent", "delivered", "opened", "clicked", "bounced", "complained", "unsubscribed"))
SMS = dict.fromkeys(("sent", "delivered", "failed", "clicked", "opened", "bounced", "complained"))
WHATSAPP = dict.fromkeys(("sent", "delivered", "read", "failed", "replied"))
STEP = dict.fromkeys(("step_id", "step_order", "step_name", "channel", "status", "delay_minutes"))
NOTHING = dict.fromkeys(("execution", "jobs", "analytics", "execution_details_endpoint"))
TOTALS = dict.fromkeys(
    ("total_contacts", "total_sent", "total_failed", "total_filtered", "total_cost", "currency")
)
JOB = dict.fromkeys(
    (
        "job_id",
        "channel",
        "phone_number",
        "contact_external_id",
        "status",
        "filter_reason",
        "filter_code",
        "error",
        "attempts",
        "next_attempt_at",
        "provider",
        "provider_message_id",
        "segments",
        "cost",
        "currency",
        "sent_at",
        "failed_at",
        "filtered_at",
        "cancelled_at",
        "delivered_at",
        "delivery_failed_at",
        "bounced_at",
        "opened_at",
        "clicked_at",
        "read_at",
        "replied_at",
        "complained_at",
        "unsubscribed_at",
    )
)


def members(execution: object, reasons: list[object], analytics: object) -> dict[str, object]:
    """What a direct send, a step and a channel have in common."""
    return {
        "execution": execution,
        "jobs": {**JOBS, "filter_reasons": reasons},
        "analytics": analytics,
        "execution_details_endpoint": None,
    }


@pytest.fixture
def library(empty_library: Callable[..., Library]) -> Iterator[Library]:
    with empty_library() as library:
        yield library


def assert_keys(expected: object, answer: object) -> None:
    """Fails unless an answer's document has these keys, in this order."""
    found = keys(answers.to_json(answer))
    assert ordered(found) == ordered(expected)


def test_a_summary_has_the_keys_of_the_reference(library: Library) -> None:
    """Tier 1 has its keys in the order of the reference, those that are null too."""
    library.record(direct_trigger())
    assert_keys(TRIGGER, library.trigger("acme", DIRECT))


@pytest.mark.parametrize(
    ("channel", "execution", "analytics"),
    [("email", EXECUTION_KEYS, EMAIL), ("sms", SMS_EXECUTION, SMS), ("whatsapp", EXECUTION_KEYS, WHATSAPP)],
)
def test_a_direct_send_has_the_keys_of_the_reference(
    channel: str, execution: object, analytics: object, library: Library
) -> None:
    """Its members are null without an execution; with one, segments and analytics are those of the channel."""
    mine = {"account": "acme", "trigger_id": DIRECT}
    head = fact(
        "trigger",
        **mine,
        flow_type="direct_channel",
        trigger_type=channel,
        trigger_source="direct_api",
        campaign_name="",
        currency="USD",
        created_at="2025-11-23T10:00:00Z",
    )
    library.record([head])
    named = {"trigger_id": None, "flow_type": None, "channel": None}
    assert_keys({**named, **NOTHING}, library.direct("acme", DIRECT))
    library.record([fact("execution", **mine, execution_id=EXECUTION, channel=channel)])
    assert_keys({**named, **members(execution, [], analytics)}, library.direct("acme", DIRECT))
    library.record([*jobs(1, 1), outcome(1, "filtered")])
    assert_keys({**named, **members(execution, [REASON], analytics)}, library.direct("acme", DIRECT))


def test_a_workflow_of_steps_has_the_keys_of_the_reference(library: Library) -> None:
    """Only the next step says what it is scheduled for; totals count steps."""
    library.record([workflow_trigger()])
    document: dict[str, object] = {
        "trigger_id": None,
        "flow_type": None,
        "workflow_type": None,
        "workflow": {"id": None, "name": None, "execution_id": None},
        "steps": [{**STEP, "scheduled_for": None, **NOTHING}, {**STEP, **NOTHING}],
        "totals": {**TOTALS, "steps_completed": None, "steps_total": None},
    }
    assert_keys(document, library.workflow("acme", WORKFLOW))
    library.record(
        [
            fact(
                "execution",
                account="acme",
                trigger_id=WORKFLOW,
                execution_id=EXECUTION,
                channel="email",
                step_id="one",
            )
        ]
    )
    document["steps"] = [
        {**STEP, **members(EXECUTION_KEYS, [], EMAIL)},
        {**STEP, "scheduled_for": None, **NOTHING},
    ]
    assert_keys(document, library.workflow("acme", WORKFLOW))


def test_a_workflow_of_a_group_has_the_keys_of_the_reference(library: Library) -> None:
    """All channels are there in the group's order, and no steps; totals count channels."""
    group = {
        "id": "wf",
        "name": "OTP",
        "execution_id": "wfex",
        "type": "template_group",
        "template_group_id": "tg",
        "channels": ["sms", "email"],
    }
    values = trigger_core.facts.to_json(workflow_trigger()) | {"workflow": group}
    library.record(
        [
            trigger_core.facts.from_json(values),
            fact("execution", account="acme", trigger_id=WORKFLOW, execution_id=EXECUTION, channel="email"),
        ]
    )
    assert_keys(
        {
            "trigger_id": None,
            "flow_type": None,
            "workflow_type": None,
            "workflow": {"id": None, "name": None, "execution_id": None, "template_group_id": None},
            "steps": [],
            "channels": {"sms": NOTHING, "email": members(EXECUTION_KEYS, [], EMAIL)},
            "totals": {**TOTALS, "channels_completed": None, "channels_total": None},
        },
        library.workflow("acme", WORKFLOW),
    )


def test_a_job_has_the_keys_of_its_channel(library: Library) -> None:
    """A job names its number as text, and its address by what it is; a page of jobs says where it stands."""
    library.record([*direct_trigger(), *jobs(1, 2)])
    page = library.jobs("acme", EXECUTION, limit=1)
    pagination = {"limit": None, "next_cursor": None, "total": None}
    assert_keys({"jobs": [JOB], "pagination": pagination}, page)
    document = answers.to_json(page.jobs[0])
    assert (document["job_id"], document["phone_number"]) == ("1", "+14150000001")
    by_mail = answers.to_json(attrs.evolve(page.jobs[0], channel="email", address="a@example.org"))
    assert by_mail["email"] == "a@example.org"
    assert list(by_mail) == [{"phone_number": "email"}.get(key, key) for key in JOB]
    assert_keys(
        {"triggers": [TRIGGER], "pagination": {"limit": None, "next_cursor": None}},
        library.triggers("acme"),
    )


def test_what_is_cut_short_says_so(library: Library) -> None:
    """A list of contacts or of reasons that doesn't name all says so; a whole one has no such key."""
    library.record(
        [
            *direct_trigger(),
            *jobs(1, 31),
            *(outcome(number, "filtered", reason="many") for number in range(1, 12)),
            *(outcome(number, "filtered", reason=f"reason {number}") for number in range(12, 31)),
        ]
    )
    counts = answers.to_json(library.direct("acme", DIRECT))["jobs"]
    assert ("filter_reasons_truncated" in counts, len(counts["filter_reasons"])) == (False, 20)
    assert counts["filter_reasons"][0] == {
        "reason": "many",
        "count": 11,
        "contacts": [f"+1415{number:07}" for number in range(1, 11)],
        "contacts_truncated": True,
    }
    library.record([outcome(31, "filtered", reason="reason 31")])
    counts = answers.to_json(library.direct("acme", DIRECT))["jobs"]
    assert (counts["filter_reasons_truncated"], len(counts["filter_reasons"])) == (True, 20)


def test_money_and_times_have_one_form(library: Library) -> None:
    """Money is a JSON number that loses nothing; times have three decimals and a Z; durations three decimals."""
    library.record(
        [
            *direct_trigger(),
            *jobs(1, 3),
            outcome(1, cost="0.1", at="2025-11-23T10:00:00Z"),
            outcome(2, cost="0.2", at="2025-11-23T10:00:00.131999Z"),
            outcome(3, cost="999999999.999999", at="2025-11-23T10:00:00.1+00:00"),
        ]
    )
    document = library.document("acme", DIRECT, "direct").body.decode()
    assert '"estimated_cost":1000000000.299999,' in document
    assert '"started_at":"2025-11-23T10:00:00.000Z","completed_at":"2025-11-23T10:00:00.131Z"' in document
    assert '"duration_seconds":0.131,' in library.document("acme", DIRECT, "trigger").body.decode()
