"""Hypothesis strategies for journal facts: histories, other orders of them, and facts that contradict them.

A history is a list of calls, each a list of facts as parsed journal lines. Its facts form a set without
contradictions, and none but events are recorded before what they depend on.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from hashlib import blake2b
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

Fact = dict[str, Any]
History = list[list[Fact]]
Contradiction = tuple[History, Fact, str]

CURRENCIES = {"acme": "USD", "globex": "EUR"}
CHANNELS = ("email", "sms", "whatsapp")
PROVIDERS = ("twilio", "ses")
OUTCOMES = ("sent", "failed", "filtered", "cancelled")
EVENT_TYPES = (
    "delivered",
    "failed",
    "bounced",
    "opened",
    "clicked",
    "read",
    "replied",
    "complained",
    "unsubscribed",
)

# Some of these are one moment in different spellings, or become one when cut to milliseconds.
USUAL_TIMES = (
    "2025-11-23T10:00:00.000Z",
    "2025-11-23T10:00:00Z",
    "2025-11-23T11:30:00.0009+01:30",
    "2025-11-23T10:00:00.001Z",
    "2025-11-23T10:00:00.0019999Z",
    "2025-11-23T04:30:01-05:30",
    "2025-11-23T10:00:01.5Z",
    "2025-11-24T09:59:59.999999999Z",
)
EXTREME_TIMES = ("1970-01-01T00:00:00Z", "9999-12-31T23:59:59.9999Z")
START_TIMES = (
    "2025-11-23T09:00:00.090Z",
    "2025-11-23T10:00:00.0005Z",
    "2025-11-23T23:30:00-01:00",
    "2025-11-25T00:00:00+14:00",
)

# Texts that break naive quoting, escaping or measuring, and some that only code points put in this order.
TEXTS = (
    ("opted out", "No approved SMS template for country: IN"),
    ("Zebra", "apple", "\uff5eafter", "😀 before"),
    ('O\'Brien said "no"', "back\\slash \\n \\u0041", "% _ $reason :name {0} ? --"),
    ("tab\there, line\nthere, \x01\x1b\x7f\x85", "\u2028\ufeff\u202e", " ", "NULL"),
    ("\ue000", "😀" * 200, "u\u0308", "ü"),
)

CHARGES: tuple[Fact, ...] = (
    {},
    {"segments": 1, "cost": "0.0300"},
    {"segments": 1, "cost": "0.03"},
    {"segments": 2, "cost": "1.000001"},
    {"cost": "0"},
    {"segments": 3},
)
SENDERS = (None, *PROVIDERS)
CONTENTS = len(CHARGES) * len(SENDERS) * 3

_times = st.sampled_from(USUAL_TIMES * 4 + EXTREME_TIMES)
_start_times = st.sampled_from(START_TIMES)
_contents = st.just(0) | st.integers(0, CONTENTS - 1)
_any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6)
_words = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from(TEXTS),
    st.lists(_any_text, min_size=1, max_size=3).map(tuple),
)
_counts = st.sampled_from((0, 1, 2, 3, 0, 1, 2, 3, 5, 11, 14))
# More jobs, or more reasons, than a document names one by one.
_filtered_counts = st.sampled_from((1, 2, 10, 11, 14))
_reasons_counts = st.integers(20, 22)
_crowds = st.sampled_from(
    ("nothing", "sent", "mixed", "filtered", "nothing", "mixed", "failed", "cancelled") * 3 + ("reasons",)
)
_HAPPENINGS = ("attempt",) * 3 + OUTCOMES + ("sent", "filtered") + ("event",) * 6
_happenings = st.sampled_from((_HAPPENINGS, _HAPPENINGS, ("attempt", "event"), (*OUTCOMES, "event")))


def identifier(number: int) -> str:
    """A UUID of version 7, made from a small number. Greater numbers give greater texts."""
    digits = f"{0x019AB000_0000 + number:012x}"
    return f"{digits[:8]}-{digits[8:]}-7{number % 4096:03x}-8000-{number:012x}"


UNKNOWN_ID = identifier(900_000)


@dataclass
class _Audience:
    """An execution whose jobs things can happen to."""

    execution: Fact
    jobs: list[int]


@dataclass
class _Story:
    """What the facts of one history share."""

    words: tuple[str, ...]
    triggers: list[int] = field(default_factory=list)
    audiences: list[_Audience] = field(default_factory=list)
    messages: dict[tuple[str, str], dict[tuple[str, int, int], str]] = field(default_factory=dict)

    def free_number(self, number: int) -> int:
        while number in self.triggers:
            number = (number + 1) % 10
        self.triggers.append(number)
        return number

    def message(self, execution: Fact, job_id: int, provider: str, variant: int) -> str:
        """The name of one message of a job, which no other job of the account has with that provider.

        Names are counted per account and provider, so that the same name means other jobs elsewhere.
        """
        taken = self.messages.setdefault((execution["account"], provider), {})
        return taken.setdefault((execution["execution_id"], job_id, variant), f"<m'{len(taken)}>")


def _trigger_fact(draw: DrawFn, number: int, words: tuple[str, ...]) -> Fact:
    account = draw(st.sampled_from(tuple(CURRENCIES)))
    flow = draw(st.sampled_from((*CHANNELS, "steps", "steps", "template_group")))
    fact: Fact = {
        "kind": "trigger",
        "account": account,
        "trigger_id": identifier(number),
        "flow_type": "direct_channel" if flow in CHANNELS else "workflow",
        "trigger_type": flow if flow in CHANNELS else "workflow",
        "trigger_source": "direct_api" if flow in CHANNELS else "workflow_api",
        "campaign_name": draw(st.sampled_from(words)),
        "currency": CURRENCIES[account],
        "created_at": draw(_start_times),
        "scheduled_at": draw(st.none() | _start_times),
    }
    if flow in CHANNELS:
        return fact
    workflow: Fact = {
        "id": f"wf-{number}",
        "name": draw(st.sampled_from(words)),
        "execution_id": f"wfex-{number}",
        "type": flow,
    }
    if flow == "template_group":
        workflow["template_group_id"] = f"tg-{number}"
        workflow["channels"] = draw(st.lists(st.sampled_from(CHANNELS), min_size=1, unique=True))
        return fact | {"workflow": workflow}
    orders = draw(st.sampled_from(((1,), (1, 2), (2, 1), (1, 2, 3), (10, 9, 2), (2, 10, 1))))
    workflow["steps"] = [
        {
            "step_id": f"step-{index}",
            "step_order": order,
            "step_name": words[index % len(words)],
            "channel": draw(st.sampled_from(CHANNELS)),
            "delay_minutes": draw(st.sampled_from((0, 1, 1440))),
        }
        for index, order in enumerate(orders)
    ]
    return fact | {"workflow": workflow}


def _slots(trigger: Fact) -> list[Fact]:
    """What an execution fact says about its place, for each execution that the trigger can have."""
    if trigger["flow_type"] == "direct_channel":
        return [{"channel": trigger["trigger_type"]}]
    if trigger["workflow"]["type"] == "steps":
        return [{key: step[key] for key in ("channel", "step_id")} for step in trigger["workflow"]["steps"]]
    return [{"channel": channel} for channel in trigger["workflow"]["channels"]]


def _outcome_fact(
    story: _Story, audience: _Audience, job_id: int, outcome: str, time: str, content: int, word: str
) -> Fact:
    rest, charge = divmod(content, len(CHARGES))
    variant, sender = divmod(rest, len(SENDERS))
    provider = SENDERS[sender]
    fact: Fact = {
        "kind": "outcome",
        "execution_id": audience.execution["execution_id"],
        "job_id": job_id,
        "outcome": outcome,
        "at": time,
        **CHARGES[charge],
    }
    if provider is not None:
        fact["provider"] = provider
        if variant:
            fact["provider_message_id"] = story.message(audience.execution, job_id, provider, variant)
    if outcome == "filtered":
        fact |= {"code": ("opted_out", "no_approved_template")[charge % 2], "reason": word}
    if outcome == "failed":
        fact["error"] = {"code": ("rejected", "timeout")[charge % 2], "message": word}
    return fact


@st.composite
def _crowd_outcomes(draw: DrawFn, story: _Story, audience: _Audience, crowd: str) -> list[Fact]:
    """The outcomes of an execution whose jobs go all the same way, or through all of them by turns."""
    if crowd == "nothing":
        return []
    content = draw(_contents)
    start = draw(st.integers(0, len(USUAL_TIMES) - 1))
    pace = draw(st.integers(0, 1))
    variety = draw(st.sampled_from((1, 1, len(story.words))))
    rivals = draw(st.integers(0, 1))
    facts = []
    for index, job_id in enumerate(audience.jobs):
        outcome, words = crowd, [story.words[(index + rival) % variety] for rival in range(1 + rivals)]
        if crowd == "mixed":
            outcome = ("sent", "pending", "filtered", "failed", "cancelled")[index % 5]
        if crowd == "reasons":
            outcome, words = "filtered", [f"reason {index}"]
        if outcome != "pending":
            time = USUAL_TIMES[(start + index * pace) % len(USUAL_TIMES)]
            facts += [_outcome_fact(story, audience, job_id, outcome, time, content, word) for word in words]
    return facts


@st.composite
def _about_execution(draw: DrawFn, story: _Story, execution: Fact) -> list[Fact]:
    """An execution with its jobs, or nothing where it is still to come."""
    if draw(st.sampled_from((True, False, False, False))):
        return []
    crowd = draw(_crowds)
    count = draw({"filtered": _filtered_counts, "reasons": _reasons_counts}.get(crowd, _counts))
    numbering = draw(st.sampled_from((1, 1, 2)))
    prefix = draw(st.sampled_from(("user_", story.words[-1][:20])))
    repeat_after = draw(st.sampled_from((100, 100, 3)))
    addressed = draw(st.sampled_from(("all", "some", "none")))
    expected = st.sampled_from((None, None, count, 0, max(count - 1, 0), count + 2))
    facts: list[Fact] = [
        execution if number is None else execution | {"expected_jobs": number}
        for number in draw(st.lists(expected, min_size=1, max_size=3))
    ]
    audience = _Audience(execution, [1 + index * numbering for index in range(count)])
    story.audiences.append(audience)
    for index, job_id in enumerate(audience.jobs):
        fact = {
            "kind": "job",
            "execution_id": execution["execution_id"],
            "job_id": job_id,
            "contact": f"{prefix}{index % repeat_after}",
        }
        if addressed == "all" or (addressed == "some" and index % 2):
            email = execution["channel"] == "email"
            fact["address"] = f"o'{index}@example.org" if email else f"+1415555{index:04}"
        facts.append(fact)
    facts += [
        {"kind": "started", "execution_id": execution["execution_id"], "at": time}
        for time in draw(st.just([]) | st.lists(_times, min_size=1, max_size=2))
    ]
    return facts + draw(_crowd_outcomes(story, audience, crowd))


@st.composite
def _about_trigger(draw: DrawFn, story: _Story) -> list[Fact]:
    """A trigger with its executions and their jobs."""
    number = story.free_number(draw(st.integers(0, 9)))
    trigger = _trigger_fact(draw, number, story.words)
    facts = [trigger]
    for index, slot in enumerate(_slots(trigger)):
        execution = {
            "kind": "execution",
            "account": trigger["account"],
            "trigger_id": trigger["trigger_id"],
            "execution_id": identifier(1000 + 10 * number + index),
            **slot,
        }
        facts += draw(_about_execution(story, execution))
    for time in draw(st.sampled_from(((), (), (), (), (), (3,), (7,), (6, 3)))):
        facts.append({"kind": "cancel", "trigger_id": trigger["trigger_id"], "at": USUAL_TIMES[time]})
    return facts


def _attempt_fact(draw: DrawFn, audience: _Audience, job_id: int, word: str) -> Fact:
    ending = draw(st.sampled_from(("retry", "retry", "sent", "failed")))
    fact: Fact = {
        "kind": "attempt",
        "execution_id": audience.execution["execution_id"],
        "job_id": job_id,
        "n": draw(st.integers(1, 3)),
        "at": draw(_times),
        "provider": draw(st.sampled_from(PROVIDERS)),
    }
    if ending != "sent":
        fact["error"] = {"code": "timeout", "message": word}
    if ending == "retry":
        fact["next_attempt_at"] = draw(_times)
    return fact


def _event_fact(draw: DrawFn, story: _Story, audience: _Audience, job_id: int) -> Fact:
    """An event for a job: by its number, by one of its messages, or for nothing that will ever be known."""
    execution = audience.execution
    fact: Fact = {
        "kind": "event",
        "event_id": f"e{draw(st.integers(0, 6))}",
        "type": draw(st.sampled_from(EVENT_TYPES)),
        "at": draw(_times),
    }
    match draw(st.sampled_from(("job", "message", "job", "message", "unknown job", "unknown execution"))):
        case "job":
            return fact | {"execution_id": execution["execution_id"], "job_id": job_id}
        case "unknown job":
            return fact | {"execution_id": execution["execution_id"], "job_id": 999}
        case "unknown execution":
            return fact | {"execution_id": UNKNOWN_ID, "job_id": job_id}
        case _:
            provider = draw(st.sampled_from(PROVIDERS))
            # No outcome may ever carry this name: then the event stays without a job.
            name = story.message(execution, job_id, provider, draw(st.integers(1, 2)))
            sender = {"account": execution["account"], "provider": provider}
            return fact | sender | {"provider_message_id": name}


@st.composite
def _about_some_job(
    draw: DrawFn, story: _Story, targets: list[tuple[_Audience, int]], happenings: tuple[str, ...]
) -> Fact:
    """One more thing that happened to one of the targets."""
    audience, job_id = draw(st.sampled_from(targets))
    happening = draw(st.sampled_from(happenings))
    if happening == "event":
        return _event_fact(draw, story, audience, job_id)
    word = draw(st.sampled_from(story.words))
    if happening == "attempt":
        return _attempt_fact(draw, audience, job_id, word)
    return _outcome_fact(story, audience, job_id, happening, draw(_times), draw(_contents), word)


@st.composite
def fact_sets(draw: DrawFn) -> list[Fact]:
    """Facts about one to three triggers that contradict each other nowhere."""
    story = _Story(draw(_words))
    triggers = draw(st.lists(_about_trigger(story), min_size=1, max_size=3))
    facts = [fact for about in triggers for fact in about]
    # Much of one kind happens to a few jobs, so that facts compete and tie.
    targets = [(audience, job_id) for audience in story.audiences for job_id in audience.jobs[:4]]
    if targets:
        targets = targets[: draw(st.sampled_from((1, 4, 100)))]
        happening = _about_some_job(story, targets, draw(_happenings))
        facts += draw(st.lists(happening, min_size=draw(st.sampled_from((0, 8, 24))), max_size=40))
    return facts


def _dice(seed: int, purpose: str, fact: Fact) -> int:
    """A number that depends on this fact alone, so that shrinking the others away does not move it."""
    text = f"{seed} {purpose} {json.dumps(fact, sort_keys=True)}"
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big")


def _makes_known(fact: Fact) -> tuple[str, str, int] | None:
    match fact["kind"]:
        case "trigger":
            return ("trigger", fact["trigger_id"], 0)
        case "execution":
            return ("execution", fact["execution_id"], 0)
        case "job":
            return ("job", fact["execution_id"], fact["job_id"])
        case _:
            return None


def _needs(fact: Fact) -> tuple[str, str, int] | None:
    match fact["kind"]:
        case "execution" | "cancel":
            return ("trigger", fact["trigger_id"], 0)
        case "job" | "started":
            return ("execution", fact["execution_id"], 0)
        case "attempt" | "outcome":
            return ("job", fact["execution_id"], fact["job_id"])
        case _:
            return None


def _depth(fact: Fact) -> int:
    """How many kinds of facts stand before this one where each follows what it needs."""
    depths = {"trigger": 0, "execution": 1, "cancel": 1, "job": 2, "started": 2, "event": 4}
    return depths.get(fact["kind"], 3)


def _respelled(fact: Fact) -> Fact:
    """The same fact in other words: times with another offset, an amount with more zeros, a null left out."""
    other = {key: value for key, value in fact.items() if value is not None}
    for key in ("at", "created_at", "scheduled_at", "next_attempt_at"):
        # Later offsets would carry the last hours of the last year into a year that has no four digits.
        if key in other and not other[key].startswith("9999"):
            moment = datetime.fromisoformat(other[key]).astimezone(timezone(timedelta(hours=5, minutes=45)))
            other[key] = moment.isoformat(timespec="microseconds")
    if "cost" in other:
        whole, _, decimals = other["cost"].partition(".")
        other["cost"] = f"{whole}.{decimals:0<6}"
    return other


def arranged(facts: Iterable[Fact], seed: int, calls: int) -> History:
    """The facts shuffled and cut into calls, some of them repeated, none but events before what they need.

    Seed 0 repeats none and leaves each call in the order of dependence.
    """
    known_since: dict[tuple[str, str, int], int] = {}
    placed: list[tuple[int, int, Fact]] = []
    for fact in sorted(facts, key=_depth):
        needed = _needs(fact)
        call = max(_dice(seed, "call", fact) % calls, 0 if needed is None else known_since[needed])
        made = _makes_known(fact)
        if made is not None:
            known_since[made] = min(call, known_since.get(made, call))
        placed.append((call, _dice(seed, "place", fact) if seed else 0, fact))
        again = _dice(seed, "again", fact)
        if seed and again % 5 == 0:
            copy = _respelled(fact) if again % 2 else fact
            placed.append((call + again // 5 % (calls - call), _dice(seed, "copy", fact), copy))
    placed.sort(key=lambda item: item[:2])
    history = [[fact for number, _, fact in placed if number == call] for call in range(calls)]
    return [call for call in history if call]


def _arrangements(facts: list[Fact]) -> SearchStrategy[History]:
    return st.builds(arranged, st.just(facts), st.integers(0, 2**16), st.sampled_from((1, 2, 3, 4, 6, 2, 3)))


def histories() -> SearchStrategy[History]:
    """Calls that record everything about one to three triggers of up to two accounts."""
    return fact_sets().flatmap(_arrangements)


def facts_of(history: History) -> list[Fact]:
    """Every fact of a history once, as it was first spelled."""
    return list({json.dumps(fact, sort_keys=True): fact for call in history for fact in call}.values())


def orderings(history: History) -> SearchStrategy[History]:
    """The same facts in other calls and another order, repeated differently."""
    return _arrangements(facts_of(history))


def _other_channel(channel: str) -> str:
    return CHANNELS[CHANNELS.index(channel) - 1]


def _contradicting_triggers(facts: list[Fact]) -> Iterator[tuple[Fact, str]]:
    for fact in facts:
        if fact["kind"] == "trigger":
            yield fact | {"campaign_name": "another campaign"}, "campaign_name"
            yield fact | {"created_at": "2001-01-01T00:00:00Z"}, "created_at"
            yield fact | {"scheduled_at": "2001-01-01T00:00:00Z"}, "scheduled_at"
            yield fact | {"currency": "CHF"}, "currency"
            yield fact | {"trigger_id": UNKNOWN_ID, "currency": "CHF"}, "currency"
            if "workflow" in fact:
                yield fact | {"workflow": fact["workflow"] | {"name": "another name"}}, "workflow"


def _contradicting_executions(facts: list[Fact]) -> Iterator[tuple[Fact, str]]:
    executions = [fact for fact in facts if fact["kind"] == "execution"]
    for execution in executions:
        yield execution | {"channel": _other_channel(execution["channel"])}, "channel"
        yield execution | {"execution_id": UNKNOWN_ID}, "execution_id"
        if "step_id" in execution:
            yield execution | {"step_id": "step-9"}, "step_id"
    for trigger in facts:
        if trigger["kind"] != "trigger":
            continue
        new = {
            "kind": "execution",
            "account": trigger["account"],
            "trigger_id": trigger["trigger_id"],
            "execution_id": UNKNOWN_ID,
        }
        slots = _slots(trigger)
        yield new | slots[0] | {"trigger_id": UNKNOWN_ID}, "trigger_id"
        if "step_id" in slots[0]:
            yield new | slots[0] | {"step_id": "step-9"}, "step_id"
            yield new | {"channel": slots[0]["channel"]}, "step_id"
        mine = [execution for execution in executions if execution["trigger_id"] == trigger["trigger_id"]]
        for slot in slots:
            if any(slot.items() <= execution.items() for execution in mine):
                continue
            if "step_id" not in slot:
                yield new | slot | {"step_id": "step-1"}, "step_id"
            wrong = _other_channel(slot["channel"])
            if "step_id" in slot or {"channel": wrong} not in slots:
                yield new | slot | {"channel": wrong}, "channel"


def _contradicting_jobs(facts: list[Fact]) -> Iterator[tuple[Fact, str]]:
    for fact in facts:
        if fact["kind"] == "job":
            yield fact | {"contact": "another contact"}, "contact"
            yield fact | {"address": "another address"}, "address"


def _missing(facts: list[Fact]) -> Iterator[tuple[Fact, str]]:
    """Facts about things that nobody has recorded."""
    time = USUAL_TIMES[0]
    yield {"kind": "cancel", "trigger_id": UNKNOWN_ID, "at": time}, "trigger_id"
    yield {"kind": "started", "execution_id": UNKNOWN_ID, "at": time}, "execution_id"
    yield {"kind": "job", "execution_id": UNKNOWN_ID, "job_id": 1, "contact": "user_1"}, "execution_id"
    executions = [fact["execution_id"] for fact in facts if fact["kind"] == "execution"]
    for execution_id, name in [(UNKNOWN_ID, "execution_id"), *((each, "job_id") for each in executions)]:
        job = {"execution_id": execution_id, "job_id": 777, "at": time}
        yield {"kind": "attempt", "n": 1, "provider": "ses", **job}, name
        yield {"kind": "outcome", "outcome": "sent", **job}, name


def _taken_messages(facts: list[Fact]) -> Iterator[tuple[Fact, str]]:
    accounts = {fact["execution_id"]: fact["account"] for fact in facts if fact["kind"] == "execution"}
    jobs = [fact for fact in facts if fact["kind"] == "job"]
    for fact in facts:
        if fact["kind"] != "outcome" or "provider_message_id" not in fact:
            continue
        for job in jobs:
            same_job = (job["execution_id"], job["job_id"]) == (fact["execution_id"], fact["job_id"])
            if not same_job and accounts[job["execution_id"]] == accounts[fact["execution_id"]]:
                other = {"execution_id": job["execution_id"], "job_id": job["job_id"]}
                yield fact | other, "provider_message_id"


@st.composite
def contradictions(draw: DrawFn) -> Contradiction:
    """A history, a fact that must be refused after all of it, and the field that is to be named."""
    history = draw(histories())
    facts = facts_of(history)
    sources = (
        _missing(facts),
        _contradicting_triggers(facts),
        _contradicting_executions(facts),
        _contradicting_jobs(facts),
        _taken_messages(facts),
    )
    bad = draw(st.sampled_from([found for found in map(list, sources) if found]))
    fact, name = draw(st.sampled_from(bad))
    return history, fact, name
