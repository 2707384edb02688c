"""Facts: what is well formed, how it is normalised, and the journal's text of it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Context, Decimal, localcontext
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trigger_core import facts
from trigger_core.errors import InvalidValue
from trigger_core.testing.contract import model
from trigger_core.testing.contract.samples import CREATED, DIRECT, EXECUTION
from trigger_core.testing.contract.strategies import Fact, fact_sets

STEP = {"step_id": "one", "step_order": 1, "step_name": "First", "channel": "email", "delay_minutes": 0}
STEPS = {"id": "wf", "name": "Welcome", "execution_id": "wfex", "type": "steps", "steps": [STEP]}
GROUP = {
    "id": "wf",
    "name": "Welcome",
    "execution_id": "wfex",
    "type": "template_group",
    "template_group_id": "tg",
    "channels": ["email", "sms"],
}
JOB: dict[str, Any] = {"execution_id": EXECUTION, "job_id": 1}
ERROR = {"code": "30003", "message": "unreachable"}

GOOD: dict[str, Fact] = {
    "trigger": {
        "kind": "trigger",
        "account": "acme",
        "trigger_id": DIRECT,
        "flow_type": "direct_channel",
        "trigger_type": "sms",
        "trigger_source": "direct_api",
        "campaign_name": "Größe",
        "currency": "USD",
        "created_at": CREATED,
        "scheduled_at": "2025-11-23T10:00:00.000Z",
    },
    "execution": {
        "kind": "execution",
        "account": "acme",
        "trigger_id": DIRECT,
        "execution_id": EXECUTION,
        "channel": "sms",
        "step_id": "one",
        "expected_jobs": 3,
    },
    "started": {"kind": "started", "execution_id": EXECUTION, "at": CREATED},
    "job": {"kind": "job", **JOB, "contact": "user_1", "address": "+14155550001"},
    "attempt": {
        "kind": "attempt",
        **JOB,
        "n": 1,
        "at": CREATED,
        "provider": "twilio",
        "error": ERROR,
        "next_attempt_at": "2025-11-23T10:00:00.000Z",
    },
    "outcome": {
        "kind": "outcome",
        **JOB,
        "outcome": "sent",
        "at": CREATED,
        "provider": "twilio",
        "provider_message_id": "m-1",
        "segments": 1,
        "cost": "0.030000",
    },
    "event": {"kind": "event", "event_id": "e-1", "type": "delivered", "at": CREATED, **JOB},
    "cancel": {"kind": "cancel", "trigger_id": DIRECT, "at": CREATED},
}
"""One well-formed fact of every kind, with every key that it may have."""

GOOD_OTHERS: dict[str, Fact] = {
    "workflow of steps": GOOD["trigger"]
    | {"flow_type": "workflow", "trigger_type": "workflow", "workflow": STEPS},
    "workflow of a group": GOOD["trigger"]
    | {"flow_type": "workflow", "trigger_type": "workflow", "workflow": GROUP},
    "failed": {"kind": "outcome", **JOB, "outcome": "failed", "at": CREATED, "error": ERROR},
    "filtered": {
        "kind": "outcome",
        **JOB,
        "outcome": "filtered",
        "at": CREATED,
        "code": "opted_out",
        "reason": "Opted out",
    },
    "event of a message": {
        "kind": "event",
        "event_id": "e-1",
        "type": "read",
        "at": CREATED,
        "account": "acme",
        "provider": "twilio",
        "provider_message_id": "m-1",
    },
}

OPTIONAL = {
    "trigger": {"scheduled_at"},
    "execution": {"step_id", "expected_jobs"},
    "job": {"address"},
    "attempt": {"provider", "error", "next_attempt_at"},
    "outcome": {"provider_message_id", "segments", "cost"},
}
TIMES = [
    ("trigger", "created_at"),
    ("trigger", "scheduled_at"),
    ("started", "at"),
    ("attempt", "at"),
    ("attempt", "next_attempt_at"),
    ("outcome", "at"),
    ("event", "at"),
    ("cancel", "at"),
]
IDS = [
    ("trigger", "trigger_id"),
    ("execution", "trigger_id"),
    ("execution", "execution_id"),
    ("started", "execution_id"),
    ("job", "execution_id"),
    ("attempt", "execution_id"),
    ("outcome", "execution_id"),
    ("event", "execution_id"),
    ("cancel", "trigger_id"),
]
TEXTS = [  # kind, key, most and least characters
    ("trigger", "account", 200, 1),
    ("trigger", "trigger_source", 200, 1),
    ("trigger", "campaign_name", 200, 0),
    ("execution", "account", 200, 1),
    ("execution", "step_id", 200, 1),
    ("job", "contact", 200, 1),
    ("job", "address", 400, 1),
    ("attempt", "provider", 200, 1),
    ("attempt", "error.code", 200, 1),
    ("attempt", "error.message", 1000, 0),
    ("outcome", "provider", 200, 1),
    ("outcome", "provider_message_id", 1000, 1),
    ("filtered", "code", 200, 1),
    ("filtered", "reason", 200, 1),
    ("failed", "error.code", 200, 1),
    ("failed", "error.message", 1000, 0),
    ("event", "event_id", 1000, 1),
    ("event of a message", "account", 200, 1),
    ("event of a message", "provider", 200, 1),
    ("event of a message", "provider_message_id", 1000, 1),
    ("workflow of steps", "workflow.id", 200, 1),
    ("workflow of steps", "workflow.name", 200, 1),
    ("workflow of steps", "workflow.execution_id", 200, 1),
    ("workflow of a group", "workflow.template_group_id", 200, 1),
    ("workflow of steps", "workflow.steps[0].step_id", 200, 1),
    ("workflow of steps", "workflow.steps[0].step_name", 200, 0),
]
NUMBERS = [  # kind, key, least and most
    ("execution", "expected_jobs", 0, 2**31 - 1),
    ("job", "job_id", 1, 2**31 - 1),
    ("attempt", "job_id", 1, 2**31 - 1),
    ("attempt", "n", 1, 2**31 - 1),
    ("outcome", "job_id", 1, 2**31 - 1),
    ("outcome", "segments", 0, 10_000),
    ("event", "job_id", 1, 2**31 - 1),
    ("workflow of steps", "workflow.steps[0].step_order", 0, 2**31 - 1),
    ("workflow of steps", "workflow.steps[0].delay_minutes", 0, 60 * 24 * 366 * 10),
]
CHOICES = [
    ("trigger", "flow_type"),
    ("trigger", "trigger_type"),
    ("execution", "channel"),
    ("outcome", "outcome"),
    ("event", "type"),
    ("workflow of steps", "workflow.type"),
    ("workflow of steps", "workflow.steps[0].channel"),
]


def good(name: str) -> Fact:
    """A fresh copy of a well-formed fact."""
    copy: Fact = json.loads(json.dumps(GOOD.get(name) or GOOD_OTHERS[name]))
    return copy


def holder(fact: Any, path: str) -> tuple[Any, str]:
    """The object that a dotted path leads into, and the last key."""
    *parents, key = path.replace("[0]", ".0").split(".")
    for parent in parents:
        fact = fact[int(parent) if parent.isdigit() else parent]
    return fact, key


def changed(name: str, path: str, value: object) -> Fact:
    """A well-formed fact but for one value."""
    fact = good(name)
    target, key = holder(fact, path)
    target[key] = value
    return fact


def refused(values: object) -> InvalidValue:
    """Why an object is no fact."""
    with pytest.raises(InvalidValue) as caught:
        facts.from_json(values)
    return caught.value


def taken(name: str, path: str, value: object) -> Any:
    """What becomes of a value that is allowed."""
    target, key = holder(facts.to_json(facts.from_json(changed(name, path, value))), path)
    return target[key]


@pytest.mark.parametrize("name", [*GOOD, *GOOD_OTHERS])
def test_a_fact_with_every_key_comes_out_as_it_went_in(name: str) -> None:
    """A fact in its normal form is the same object after both ways, its keys in the journal's order."""
    fact = good(name)
    said = facts.to_json(facts.from_json(fact))
    assert said == fact
    if name in GOOD:
        assert list(said) == list(fact)


@settings(max_examples=30, deadline=None)
@given(fact_sets())
def test_both_ways_and_the_canonical_text_agree_with_the_model(drawn: list[Fact]) -> None:
    """to_json and from_json undo each other, and `canonical` is the model's text of the normalised fact."""
    for values in drawn:
        fact = facts.from_json(values)
        said = facts.to_json(fact)
        assert facts.from_json(said) == fact
        assert facts.to_json(facts.from_json(json.loads(json.dumps(said)))) == said
        expected = model.normalised(values)
        if steps := expected.get("workflow", {}).get("steps"):
            steps.sort(key=lambda step: int(step["step_order"]))
        assert said == expected
        assert facts.canonical(fact) == model.canonical(expected)


@pytest.mark.parametrize("name", [*GOOD, *GOOD_OTHERS])
def test_unknown_keys_are_refused(name: str) -> None:
    """A key that the kind doesn't have is named, and those that it has are listed."""
    error = refused(good(name) | {"colour": "red"})
    assert error.field == "colour"
    assert "is not a known key" in error.problem
    assert all(key in error.problem for key in good(name) if key != "kind")


@pytest.mark.parametrize("path", ["workflow", "workflow.steps[0]"])
def test_unknown_nested_keys_are_refused(path: str) -> None:
    """An unknown key inside a workflow is named with the way to it."""
    fact = good("workflow of steps")
    holder(fact, f"{path}.colour")[0]["colour"] = "red"
    assert refused(fact).field == f"{path}.colour"


@pytest.mark.parametrize("kind", GOOD)
def test_missing_keys_are_refused(kind: str) -> None:
    """Each key that must be there is named when it isn't; the others may be missing or null, with one meaning."""
    optional = OPTIONAL.get(kind, set())
    for key in good(kind).keys() - {"kind"}:
        without = {name: value for name, value in good(kind).items() if name != key}
        if key in optional:
            assert facts.from_json(without) == facts.from_json(good(kind) | {key: None})
        elif key != "provider":
            assert refused(without).field == key
            assert refused(good(kind) | {key: None}).field == key


@pytest.mark.parametrize(
    "values", [None, [], "trigger", 1, {}, {"kind": None}, {"kind": "job "}, {"kind": []}]
)
def test_what_is_no_fact_is_refused_by_its_kind(values: object) -> None:
    """Something else than an object, or an object of no known kind, is refused by the name of `kind`."""
    assert refused(values).field == "kind"


@pytest.mark.parametrize(("kind", "key"), TIMES)
@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2025-11-23T10:00:00Z", "2025-11-23T10:00:00.000Z"),
        ("2025-11-23T10:00:00.1Z", "2025-11-23T10:00:00.100Z"),
        ("2025-11-23T10:00:00.000999999Z", "2025-11-23T10:00:00.000Z"),
        ("2025-11-23T10:00:00.999999+01:30", "2025-11-23T08:30:00.999Z"),
        ("2025-11-23T23:59:59.9999-00:01", "2025-11-24T00:00:59.999Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("1970-01-01T14:00:00+14:00", "1970-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.999Z"),
        ("9999-12-31T13:59:59.999-10:00", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times_become_utc_cut_to_milliseconds(kind: str, key: str, said: str, meant: str) -> None:
    """Every time may have any offset and any number of decimals within the years 1970 to 9999."""
    assert taken(kind, key, said) == meant


@pytest.mark.parametrize(("kind", "key"), TIMES)
@pytest.mark.parametrize(
    "said",
    [
        "2025-11-23T10:00:00",
        "2025-11-23",
        "yesterday",
        "",
        "2025-11-31T10:00:00Z",
        "2025-11-23T25:00:00Z",
        "2025-11-23T10:00:00+25:00",
        "1969-12-31T23:59:59.999Z",
        "1970-01-01T00:00:00+00:01",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-00:01",
        "10000-01-01T00:00:00Z",
        1763892000,
        1763892000.5,
        True,
        ["2025-11-23T10:00:00Z"],
    ],
)
def test_other_times_are_refused(kind: str, key: str, said: object) -> None:
    """A time without an offset, outside the years or of another form is refused by its name."""
    assert refused(changed(kind, key, said)).field == key


def test_times_may_be_datetimes_with_an_offset() -> None:
    """A `datetime` is taken as its text would be; a naive one is refused."""
    moment = datetime(2025, 11, 23, 10, 0, 0, 999_999, timezone(timedelta(hours=1)))
    assert facts.Started(execution_id=EXECUTION, at=moment).at == datetime(
        2025, 11, 23, 9, 0, 0, 999_000, tzinfo=UTC
    )
    with pytest.raises(InvalidValue, match="at: needs an offset"):
        facts.Started(execution_id=EXECUTION, at=moment.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("0", "0.000000"),
        ("-0", "0.000000"),
        ("-0.000", "0.000000"),
        ("0.03", "0.030000"),
        ("0.0300000000", "0.030000"),
        ("0.000001", "0.000001"),
        ("1e-6", "0.000001"),
        ("1.5E+3", "1500.000000"),
        ("1000000000", "1000000000.000000"),
        ("999999999.999999", "999999999.999999"),
        (3, "3.000000"),
    ],
)
def test_money_is_exact(said: object, meant: str) -> None:
    """An amount of up to a milliard with up to six decimals has one spelling, whichever it came in."""
    assert taken("outcome", "cost", said) == meant
    assert facts.from_json(changed("outcome", "cost", said)) == facts.from_json(
        changed("outcome", "cost", meant)
    )


@pytest.mark.parametrize(
    "said",
    [
        "-0.000001",
        "-1",
        -1,
        "0.0000001",
        "1e-7",
        "1.0000000000000000000000000000001",
        "0.1234560000000000000000000000000000000000001",
        "1000000000.000001",
        "1e10",
        "1e999999",
        "1e-999999",
        "NaN",
        "-NaN",
        "sNaN",
        "Infinity",
        "-Infinity",
        "",
        "free",
        "0,03",
        "$1",
        0.03,
        True,
        [],
    ],
)
def test_other_amounts_are_refused(said: object) -> None:
    """Negative, too precise, too large and other amounts are refused, binary fractions too."""
    assert refused(changed("outcome", "cost", said)).field == "cost"


def test_money_does_not_depend_on_the_decimal_context() -> None:
    """A host that computes with few digits records the same amounts."""
    with localcontext(Context(prec=3)):
        assert facts.money(Decimal("123456.789012"), "cost") == Decimal("123456.789012")


@settings(max_examples=100, deadline=None)
@given(st.decimals(min_value=0, max_value=10**9, places=6) | st.decimals(allow_nan=True, allow_infinity=True))
def test_money_is_refused_or_kept_exactly(amount: Decimal) -> None:
    """No amount is ever rounded: it is taken as it is, or refused."""
    try:
        kept = facts.money(amount, "cost")
    except InvalidValue:
        assert not (amount.is_finite() and 0 <= amount <= 10**9 and amount == round(amount, 6))
    else:
        assert kept == amount
        assert kept.as_tuple().exponent == -6


@pytest.mark.parametrize(("name", "path", "most", "least"), TEXTS)
def test_texts_are_bounded(name: str, path: str, most: int, least: int) -> None:
    """A text may have its least and most number of characters, whatever they are, and no other number."""
    longest = "😀é\u0301\x01" * (most // 4)
    assert taken(name, path, longest) == longest
    assert refused(changed(name, path, longest + "x")).field == path
    if least:
        assert refused(changed(name, path, "")).field == path
    else:
        assert taken(name, path, "") == ""


@pytest.mark.parametrize(("name", "path", "most", "least"), TEXTS)
@pytest.mark.parametrize("said", ["nul\0", "\ud800", "x\udfff", 1, True, ["x"], {"x": 1}])
def test_other_texts_are_refused(name: str, path: str, most: int, least: int, said: object) -> None:
    """A NUL, half a surrogate pair, or something that is no text is refused wherever a text is asked for."""
    assert refused(changed(name, path, said)).field == path


@pytest.mark.parametrize(("name", "path", "least", "most"), NUMBERS)
def test_whole_numbers_are_bounded(name: str, path: str, least: int, most: int) -> None:
    """A number within its bounds is taken; one beyond them, a fraction, a text or a boolean is refused."""
    assert [taken(name, path, number) for number in (least, most)] == [least, most]
    for said in (least - 1, most + 1, float(most), "1", True, False, [1]):
        assert refused(changed(name, path, said)).field == path


@pytest.mark.parametrize(("kind", "key"), IDS)
def test_ids_are_uuids_in_lower_case(kind: str, key: str) -> None:
    """An id may be spelled in capitals, or be a `UUID`; no other form is taken."""
    shouted = "780CAB43-2DE4-4CE0-A96B-AEEEED06346C"
    assert taken(kind, key, shouted) == shouted.lower()
    assert taken(kind, key, UUID(shouted)) == shouted.lower()
    for said in (
        shouted.replace("-", ""),
        f"{{{shouted}}}",
        f"urn:uuid:{shouted}",
        f"{shouted}\n",
        f" {shouted}",
        shouted[:-1],
        shouted.replace("8", "٨"),
        1,
        b"",
    ):
        assert refused(changed(kind, key, said)).field == key


@pytest.mark.parametrize(("name", "path"), CHOICES)
@pytest.mark.parametrize("said", ["", "Sms", "fax", 1, True, ["sms"]])
def test_choices_are_exact(name: str, path: str, said: object) -> None:
    """A word that isn't one of those allowed is refused, and they are listed."""
    error = refused(changed(name, path, said))
    assert error.field == path
    assert error.problem.startswith("must be one of ")


@pytest.mark.parametrize("said", ["usd", "US", "USDT", "US$", "", "ÄÖÜ", "USD\n", 1, True, ["USD"]])
def test_currencies_are_three_capital_letters(said: object) -> None:
    """A currency is a code such as USD, and nothing else."""
    assert taken("trigger", "currency", "XYZ") == "XYZ"
    assert refused(changed("trigger", "currency", said)).field == "currency"


def step(number: int, **values: object) -> Mapping[str, object]:
    return STEP | {"step_id": f"step-{number}", "step_order": number} | values


def test_steps_stand_in_their_order() -> None:
    """Steps may come in any order; they are kept by step_order."""
    said = [step(number) for number in (10, 9, 2)]
    assert taken("workflow of steps", "workflow.steps", said) == said[::-1]


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ([], "workflow.steps"),
        ([step(number) for number in range(51)], "workflow.steps"),
        ("steps", "workflow.steps"),
        ({}, "workflow.steps"),
        (b"steps", "workflow.steps[0]"),
        ([step(1), step(1, step_order=2)], "workflow.steps"),
        ([step(1), step(2, step_order=1)], "workflow.steps"),
        ([step(1), "step"], "workflow.steps[1]"),
        ([step(1), step(2, channel="fax")], "workflow.steps[1].channel"),
        ([step(1), step(2, delay_minutes=None)], "workflow.steps[1].delay_minutes"),
        ([{key: value for key, value in STEP.items() if key != "step_name"}], "workflow.steps[0].step_name"),
    ],
)
def test_wrong_steps_are_refused(said: object, path: str) -> None:
    """No steps, more than fifty, repeated ids or places, and steps that are wrong are refused by name."""
    assert refused(changed("workflow of steps", "workflow.steps", said)).field == path


def test_fifty_steps_are_taken() -> None:
    """A workflow may have fifty steps."""
    said = [step(number) for number in range(50)]
    assert taken("workflow of steps", "workflow.steps", said) == said


@pytest.mark.parametrize(
    "said", [[], "sms", {"sms": 1}, ["sms", "sms"], ["fax"], ["sms", 1], [["sms"]], True, 1]
)
def test_wrong_channels_are_refused(said: object) -> None:
    """A template group has one or more channels, none of them twice."""
    assert refused(changed("workflow of a group", "workflow.channels", said)).field == "workflow.channels"


def test_channels_keep_their_order() -> None:
    """A template group's channels are answered in the order in which they were given."""
    said = ["whatsapp", "email", "sms"]
    assert taken("workflow of a group", "workflow.channels", said) == said


def test_steps_are_due_before_the_year_10000() -> None:
    """A step whose delay leads beyond the last year is refused."""
    fact = changed("workflow of steps", "scheduled_at", "9999-12-31T23:58:00Z")
    fact["workflow"]["steps"][0]["delay_minutes"] = 1
    facts.from_json(fact)
    fact["workflow"]["steps"][0]["delay_minutes"] = 2
    assert refused(fact).field == "workflow.steps"


@pytest.mark.parametrize(
    ("name", "change", "field"),
    [
        ("trigger", {"flow_type": "workflow"}, "trigger_type"),
        ("trigger", {"trigger_type": "workflow"}, "trigger_type"),
        ("trigger", {"workflow": STEPS}, "workflow"),
        ("workflow of steps", {"workflow": None}, "workflow"),
        ("workflow of steps", {"workflow": "steps"}, "workflow"),
        ("workflow of steps", {"workflow": STEPS | {"type": "template_group"}}, "workflow.steps"),
        ("workflow of steps", {"workflow": STEPS | {"steps": None}}, "workflow.steps"),
        ("workflow of steps", {"workflow": STEPS | {"channels": ["sms"]}}, "workflow.channels"),
        (
            "workflow of steps",
            {"workflow": STEPS | {"template_group_id": "tg"}},
            "workflow.template_group_id",
        ),
        (
            "workflow of a group",
            {"workflow": GROUP | {"template_group_id": None}},
            "workflow.template_group_id",
        ),
        ("workflow of a group", {"workflow": GROUP | {"channels": None}}, "workflow.channels"),
        ("workflow of a group", {"workflow": GROUP | {"steps": [STEP]}}, "workflow.steps"),
        ("outcome", {"outcome": "failed"}, "error"),
        ("outcome", {"error": ERROR}, "error"),
        ("failed", {"error": None}, "error"),
        ("failed", {"error": {"code": "1"}}, "error.message"),
        ("failed", {"error": ERROR | {"detail": ""}}, "error.detail"),
        ("outcome", {"code": "opted_out"}, "code"),
        ("outcome", {"reason": "Opted out"}, "reason"),
        ("filtered", {"code": None}, "code"),
        ("filtered", {"reason": None}, "reason"),
        ("outcome", {"provider": None}, "provider"),
        ("event", {"job_id": None}, "job_id"),
        ("event", {"execution_id": None}, "execution_id"),
        ("event", {"account": "acme"}, "account"),
        ("event", {"provider": "twilio"}, "execution_id"),
        ("event of a message", {"job_id": 1}, "job_id"),
        ("event of a message", {"execution_id": EXECUTION}, "execution_id"),
        ("event of a message", {"account": None}, "account"),
        ("event of a message", {"provider": None}, "provider"),
        ("event of a message", {"provider_message_id": None}, "provider_message_id"),
    ],
)
def test_values_fit_together(name: str, change: Fact, field: str) -> None:
    """What one value of a fact asks of another is checked, and the field that is wrong is named."""
    assert refused(good(name) | change).field == field


def test_a_fact_made_in_python_is_checked_alike() -> None:
    """The classes check and normalise like `from_json`; equal facts are equal and hash alike."""
    job: dict[str, Any] = {"execution_id": UUID(EXECUTION), "job_id": 1}
    made = facts.Outcome(
        **job, outcome="failed", at=datetime(2025, 11, 23, 9, 59, tzinfo=UTC), error=facts.Error(**ERROR)
    )
    assert made == facts.from_json(good("failed"))
    assert hash(made) == hash(facts.from_json(good("failed")))
    with pytest.raises(InvalidValue, match=r"^job_id: must be a whole number$"):
        facts.Job(**job | {"job_id": "1"}, contact="user_1")
