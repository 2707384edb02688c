"""Recording: what is refused leaves nothing behind, and neither order nor repetition changes an answer."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import trigger_core
from trigger_core import Library, facts
from trigger_core.errors import FactsRefused
from trigger_core.facts import Fact
from trigger_core.testing.contract.samples import (
    CREATED,
    DIRECT,
    EXECUTION,
    WORKFLOW,
    direct_trigger,
    fact,
    jobs,
    outcome,
    workflow_trigger,
)
from trigger_core.testing.contract.stores import fresh
from trigger_core.testing.contract.strategies import (
    Contradiction,
    History,
    contradictions,
    facts_of,
    histories,
    orderings,
)
from trigger_core.testing.contract.test_histories import answers_of

TABLES = ("accounts", "triggers", "steps", "executions", "jobs", "attempts", "events", "parked_events")
KEPT = (*TABLES, "message_ids", "other_messages", "trigger_contacts", "samples", "tally")
LATER = "2025-11-23T11:00:00.000Z"
STRANGER = "019ab000-0000-7000-8000-00000000000a"
STRANGERS = "019ab000-0000-7000-8000-00000000000b"


def sizes(short: int, long: int) -> pytest.MarkDecorator:
    """A number of examples for every run, and another for the deep one."""
    return pytest.mark.parametrize(
        "examples", [pytest.param(short, id="short"), pytest.param(long, id="long", marks=pytest.mark.deep)]
    )


def run(check: Callable[..., None], examples: int, *strategies: st.SearchStrategy[Any]) -> None:
    """Holds a check against drawn examples."""
    drawn = settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    drawn(given(*strategies)(check))()


def rows(library: Library, table: str) -> Counter[str]:
    """A table's rows."""
    return Counter(map(repr, library.store.table(f"select * from {table}", {})[1]))  # noqa: S608


def everything(library: Library) -> dict[str, Counter[str]]:
    """All that is stored; of waiting events what they say, since their account may be known later."""
    said = "event_id, execution_id, job_id, provider, provider_message_id, type, occurred_at"
    waiting = f"(select distinct {said} from parked_events) as waiting"  # noqa: S608
    return {table: rows(library, table) for table in KEPT} | {"parked_events": rows(library, waiting)}


def recorded(history: History) -> Library:
    """A new library with a history."""
    library = fresh()
    for call in history:
        library.record(call)
    return library


def refusal(library: Library, call: Sequence[Any], account: str | None = None) -> list[tuple[int, str]]:
    """The rows and fields for which a call is refused."""
    with pytest.raises(FactsRefused) as caught:
        library.record(call, account=account)
    return [(error.row, error.field) for error in caught.value.errors]


@sizes(5, 400)
def test_contradictions_are_refused(examples: int) -> None:
    """A contradiction is refused by its row and field, beside good facts too, and nothing of the call stays."""

    def check(contradiction: Contradiction) -> None:
        history, bad, field = contradiction
        others = [*direct_trigger(), *jobs(1, 2), outcome(1)]
        with recorded(history) as library:
            before = everything(library), answers_of(library, history)
            assert refusal(library, [bad]) == [(0, field)]
            assert set(refusal(library, [*others[:2], bad, *others[2:]])) == {(2, field)}
            assert (everything(library), answers_of(library, history)) == before
            assert list(library.audit()) == []
            library.record([])

    run(check, examples, contradictions())


@sizes(4, 400)
def test_neither_order_nor_repetition_changes_an_answer(examples: int) -> None:
    """The same facts in other calls and another order, some of them repeated, give the same documents."""

    def check(data: st.DataObject, history: History) -> None:
        other = data.draw(orderings(history))
        with recorded(history) as library, recorded(other) as again:
            assert answers_of(library, history) == answers_of(again, history)

    run(check, examples, st.data(), histories())


@sizes(4, 400)
def test_recording_again_changes_nothing(examples: int) -> None:
    """Facts recorded again, in another arrangement, change no answer and no tag and leave not a row behind."""

    def check(data: st.DataObject, history: History) -> None:
        with recorded(history) as library:
            tags = list(documents(library, history))
            before = everything(library)
            for call in data.draw(orderings(history)):
                library.record(call)
            assert everything(library) == before
            assert list(documents(library, history)) == tags

    run(check, examples, st.data(), histories())


def documents(library: Library, history: History) -> Iterator[trigger_core.Document]:
    """Every document of the triggers in a history."""
    for one in facts_of(history):
        if one["kind"] == "trigger":
            yield library.document(one["account"], one["trigger_id"], "trigger")
            details: Any = "direct" if one["flow_type"] == "direct_channel" else "workflow"
            yield library.document(one["account"], one["trigger_id"], details)


class OneOfMany:
    """A store that other processes write to as well, for all that is known."""

    sees_every_write = False

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@sizes(4, 300)
def test_documents_are_never_stale(examples: int) -> None:
    """After each call a document that was kept equals a new one, also where others may have written.

    Its tag changes when the answer changes, and only then.
    """

    def check(history: History) -> None:
        with fresh() as library:
            other: Library = Library(OneOfMany(library.store))
            last: dict[int, trigger_core.Document] = {}
            for number, call in enumerate(history, 1):
                library.record(call)
                so_far = history[:number]
                new = list(documents(Library(library.store), so_far))
                for _ in range(2):
                    assert list(documents(library, so_far)) == new
                    assert list(documents(other, so_far)) == new
                for place, document in enumerate(new):
                    known = last.get(place, document)
                    assert (known.etag == document.etag) == (known.body == document.body)
                last = dict(enumerate(new))

    run(check, examples, histories())


@sizes(4, 300)
def test_a_call_for_an_account_takes_only_its_facts(examples: int) -> None:
    """With `account`, a call is refused exactly for its facts about other accounts; events of theirs never count."""

    def check(history: History) -> None:
        mine = {
            one["execution_id"]: one["account"] for one in facts_of(history) if one["kind"] == "execution"
        }
        mine |= {one["trigger_id"]: one["account"] for one in facts_of(history) if one["kind"] == "trigger"}

        def owner(one: dict[str, Any]) -> str:
            return str(one.get("account") or mine.get(one.get("execution_id") or one["trigger_id"]))

        with fresh() as library, fresh() as alone:
            for call in history:
                foreign = [
                    row
                    for row, one in enumerate(call)
                    if owner(one) != "acme" and not (one["kind"] == "event" and "execution_id" in one)
                ]
                if foreign:
                    assert {row for row, _ in refusal(library, call, "acme")} <= set(foreign)
                rest = [one for row, one in enumerate(call) if row not in foreign]
                library.record(rest, account="acme")
                alone.record([one for one in call if owner(one) in ("acme", "None")])
            seen = [
                [
                    one
                    for one in facts_of(history)
                    if one["kind"] in ("trigger", "execution") and owner(one) == "acme"
                ]
            ]
            assert answers_of(library, seen) == answers_of(alone, seen)
            assert library.triggers("globex").triggers == ()
            assert list(library.audit()) == []

    run(check, examples, histories())


def strangers() -> list[Fact]:
    """A direct send of the account globex with a job."""
    values = {"account": "globex", "trigger_id": STRANGER}
    return [
        fact(
            "trigger",
            **values,
            flow_type="direct_channel",
            trigger_type="sms",
            trigger_source="direct_api",
            campaign_name="",
            currency="EUR",
            created_at=CREATED,
        ),
        fact("execution", **values, execution_id=STRANGERS, channel="sms"),
        fact("job", execution_id=STRANGERS, job_id=1, contact="user_1"),
    ]


THEIRS: dict[str, Any] = {"execution_id": STRANGERS, "job_id": 1}


@pytest.mark.parametrize(
    ("foreign", "field"),
    [
        (strangers()[0], "account"),
        (strangers()[1], "account"),
        (strangers()[2], "execution_id"),
        (fact("started", execution_id=STRANGERS, at=CREATED), "execution_id"),
        (fact("attempt", **THEIRS, n=1, at=CREATED), "execution_id"),
        (fact("outcome", **THEIRS, outcome="sent", at=CREATED), "execution_id"),
        (fact("cancel", trigger_id=STRANGER, at=CREATED), "trigger_id"),
        (
            fact(
                "event",
                account="globex",
                provider="twilio",
                provider_message_id="m",
                event_id="e",
                type="read",
                at=CREATED,
            ),
            "account",
        ),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_another_accounts_facts_are_refused(foreign: Fact, field: str) -> None:
    """Each kind of fact about another account's things is refused where the caller may record for one only."""
    with recorded([strangers(), direct_trigger()]) as library:  # type: ignore[list-item]
        before = everything(library)
        assert refusal(library, [*jobs(1, 1), foreign], "acme") == [(1, field)]
        assert everything(library) == before


def test_every_bad_fact_is_named() -> None:
    """All that is wrong with a call is named by row, and the message shows the first five."""
    with fresh() as library:
        library.record([*direct_trigger(), *jobs(1, 3)])
        bad = [fact("attempt", execution_id=EXECUTION, job_id=10 + n, n=1, at=CREATED) for n in range(7)]
        with pytest.raises(FactsRefused) as caught:
            library.record([bad[0], *jobs(1, 1), *bad[1:]])
        assert [(error.row, error.field) for error in caught.value.errors] == [
            (row, "job_id") for row in (0, 2, 3, 4, 5, 6, 7)
        ]
        problem = "no job of this id is recorded: record it first, or in the same call"
        shown = "; ".join(f"fact {row}: job_id: {problem}" for row in (0, 2, 3, 4, 5))
        assert str(caught.value) == f"nothing was recorded: {shown}; and 2 more"


def one_object(told: Iterable[Fact]) -> Iterator[dict[str, object]]:
    """The same object each time, with another fact in it: who reads on before he takes it has the last one only."""
    reused: dict[str, object] = {}
    for each in told:
        reused.clear()
        reused.update(facts.to_json(each))
        yield reused


def test_facts_may_come_as_journal_objects() -> None:
    """Facts, their journal objects and any iterable of both are taken; what is neither is refused by its row."""
    with fresh() as library:
        library.record(iter([*direct_trigger(), facts.to_json(jobs(1, 1)[0])]))
        assert library.jobs("acme", EXECUTION).pagination.total == 1
        for bad, *fields in (
            ("job", "kind"),
            (None, "kind"),
            ({"kind": "job"}, "contact", "execution_id", "job_id"),
            (facts.Fact, "kind"),
        ):
            assert refusal(library, [*jobs(2, 2), bad]) == [(1, field) for field in fields]
        assert library.jobs("acme", EXECUTION).pagination.total == 1
        library.record(one_object(jobs(2, 3)))
        assert library.jobs("acme", EXECUTION).pagination.total == 3


def test_an_empty_call_is_no_call() -> None:
    """Nothing to record is nothing wrong."""
    with fresh() as library:
        library.record([])
        assert everything(library) == {table: Counter() for table in KEPT}


def by_job(kind: str, at: str = CREATED, **values: Any) -> Fact:
    """A delivery event of the direct send's first job, by its ids."""
    target = {"execution_id": EXECUTION, "job_id": 1, "event_id": kind}
    return fact("event", **target | values, type=kind, at=at)


def by_message(kind: str, at: str = CREATED, **values: Any) -> Fact:
    """A delivery event of the message m, by the provider's name for it."""
    target = {"account": "acme", "provider": "twilio", "provider_message_id": "m", "event_id": kind}
    return fact("event", **target | values, type=kind, at=at)


SENT = outcome(1, provider="twilio", provider_message_id="m")


@pytest.mark.parametrize("before", [0, 1, 2, 3])
@pytest.mark.parametrize("event", [by_job, by_message])
def test_an_event_waits_for_its_job(event: Callable[..., Fact], before: int) -> None:
    """An event that comes before its trigger, its job or its message id counts once that is there, not sooner."""
    calls = [direct_trigger(), jobs(1, 1), [SENT]]
    calls.insert(before, [event("read", LATER), event("read"), event("clicked", LATER)])
    with fresh() as library:
        for call in calls:
            library.record(call)
        [job] = library.jobs("acme", EXECUTION).jobs
        assert job.read_at == job.delivered_at == facts.instant(CREATED, "")
        assert job.clicked_at == facts.instant(LATER, "")
        analytics = library.direct("acme", DIRECT).analytics
        assert (analytics.delivered, getattr(analytics, "clicked", None)) == (1, 1)  # type: ignore[union-attr]
        assert rows(library, "parked_events") == Counter()
        assert list(library.audit()) == []


def test_a_waiting_event_counts_for_nothing() -> None:
    """Until its job is there an event changes no answer; kept once, however often and late it comes."""
    with fresh() as library:
        library.record([*direct_trigger(), *jobs(1, 1)])
        answer = library.document("acme", DIRECT, "direct")
        for _ in range(2):
            library.record([by_message("read"), by_job("read", job_id=2), by_message("read")])
            library.record([by_message("read")])
        assert library.document("acme", DIRECT, "direct") == answer
        assert sum(rows(library, "parked_events").values()) == 2
        assert list(library.audit()) == []


def test_an_event_with_the_longest_ids_waits_for_its_job() -> None:
    """Ids of a thousand characters of four bytes each, with nothing in them that could be packed."""
    dice = Random(1)
    event_id, message = (
        "".join(chr(dice.randrange(0x20000, 0x2A6D0)) for _ in range(1000)) for _ in range(2)
    )
    with fresh() as library:
        library.record([by_message("read", event_id=event_id, provider_message_id=message)])
        library.record(
            [*direct_trigger(), *jobs(1, 1), outcome(1, provider="twilio", provider_message_id=message)]
        )
        assert library.job("acme", EXECUTION, 1).read_at is not None
        assert rows(library, "parked_events") == Counter()


def test_a_message_id_of_a_losing_outcome_leads_to_its_job() -> None:
    """An event finds its job by the message id of any outcome of it, also of one that isn't shown."""
    with fresh() as library:
        library.record([*direct_trigger(), *jobs(1, 1), by_message("read", provider_message_id="lost")])
        library.record([outcome(1), outcome(1, "failed", provider="twilio", provider_message_id="lost")])
        [job] = library.jobs("acme", EXECUTION).jobs
        assert (job.status, job.provider_message_id, job.read_at) == (
            "sent",
            None,
            facts.instant(CREATED, ""),
        )


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("event", [by_job, by_message])
def test_another_accounts_event_never_counts(event: Callable[..., Fact], before: bool) -> None:
    """An event that another account reports of a job, or of a message of the same name, is never applied."""
    account = "globex"
    report = event("read", account=account) if event is by_message else event("read")
    with fresh() as library:
        library.record(strangers())
        if before:
            library.record([report], account=account)
        library.record([*direct_trigger(), *jobs(1, 1), SENT])
        answer = library.document("acme", DIRECT, "direct")
        if not before:
            library.record([report], account=account)
        library.record([*jobs(1, 2), SENT, outcome(2)])
        library.record([report], account=account)
        assert library.jobs("acme", EXECUTION).jobs[0].read_at is None
        assert list(library.audit()) == []
        assert b'"delivered":0' in answer.body
        assert b'"delivered":0' in library.document("acme", DIRECT, "direct").body


EXPECTED: dict[str, Any] = {
    "account": "acme",
    "trigger_id": DIRECT,
    "execution_id": EXECUTION,
    "channel": "sms",
}
STORY: list[tuple[list[Fact], bool]] = [
    ([outcome(1)], True),
    ([outcome(1, "failed")], False),
    ([outcome(1, at=LATER, cost="1")], False),
    ([outcome(2, "filtered")], True),
    ([by_job("delivered")], True),
    ([by_job("delivered", LATER)], False),
    ([by_job("opened")], True),
    ([by_job("replied")], False),
    ([fact("attempt", execution_id=EXECUTION, job_id=3, n=1, at=LATER)], False),
    ([fact("attempt", execution_id=EXECUTION, job_id=3, n=1, at="2025-11-23T08:00:00Z")], True),
    ([fact("execution", **EXPECTED, expected_jobs=3)], False),
    ([fact("execution", **EXPECTED, expected_jobs=5)], True),
    ([fact("execution", **EXPECTED, expected_jobs=4)], False),
    ([fact("started", execution_id=EXECUTION, at=LATER)], False),
    ([fact("started", execution_id=EXECUTION, at="2025-11-23T07:00:00Z")], True),
    ([outcome(2)], True),
    ([fact("cancel", trigger_id=DIRECT, at="2025-11-23T13:00:00Z")], True),
    ([fact("cancel", trigger_id=DIRECT, at="2025-11-23T14:00:00Z")], False),
    ([fact("cancel", trigger_id=DIRECT, at="2025-11-23T12:00:00Z")], True),
    (jobs(4, 4), False),
    (jobs(5, 6), True),
]
"""Calls about a direct send of three jobs, and whether each changes its documents."""


def test_a_tag_changes_exactly_with_its_answer() -> None:
    """What changes an answer changes its tag; a fact that another outranks doesn't, nor one recorded again."""
    with fresh() as library:
        library.record([*direct_trigger(), *jobs(1, 3)])

        def tags() -> list[str]:
            return [library.document("acme", DIRECT, question).etag for question in ("trigger", "direct")]

        for number, (call, changes) in enumerate(STORY):
            before = tags()
            library.record(call)
            assert (tags() != before) == changes, number
            after = tags(), everything(library)
            library.record([*call, *call])
            assert (tags(), everything(library)) == after, number
        assert list(library.audit()) == []


@pytest.mark.parametrize("calls", [1, 4])
def test_costs_of_any_size_add_up(calls: int) -> None:
    """The largest cost that a fact may have, a few thousand times, is summed exactly, also once it is folded."""
    with fresh() as library:
        library.record([*direct_trigger(), *jobs(1, 2000)])
        sent = [outcome(number, cost="1000000000") for number in range(1, 2001)]
        for turn in range(calls):
            library.record(sent[turn::calls])
        for _ in range(2):
            execution = library.direct("acme", DIRECT).execution
            assert execution is not None
            assert execution.estimated_cost == 2 * 10**12
            library.compact()


def test_one_step_has_one_execution() -> None:
    """A second execution of a step is refused, beside the first in one call and after it."""
    values = {"account": "acme", "trigger_id": WORKFLOW, "channel": "email", "step_id": "one"}
    first, second = (fact("execution", **values, execution_id=key) for key in (EXECUTION, STRANGERS))
    with fresh() as library:
        assert refusal(library, [workflow_trigger(), first, second]) == [(2, "execution_id")]
        library.record([workflow_trigger(), first])
        assert refusal(library, [second]) == [(0, "execution_id")]


class Interrupted(OneOfMany):
    """A store whose user is interrupted just after what it wrote became durable."""

    sees_every_write = True
    armed = False

    @contextmanager
    def write(self, *, wait: bool = True) -> Iterator[Any]:
        with self._store.write(wait=wait) as session:
            yield session
        if self.armed:
            raise KeyboardInterrupt


def test_an_interrupt_leaves_no_stale_document() -> None:
    """Facts that became durable show, even where the caller was interrupted before it was told so."""
    with fresh() as library:
        store = Interrupted(library.store)
        interrupted: Library = Library(store)
        interrupted.record([*direct_trigger(), *jobs(1, 1)])
        interrupted.document("acme", DIRECT, "direct")
        store.armed = True
        with pytest.raises(KeyboardInterrupt):
            interrupted.record([outcome(1)])
        assert json.loads(interrupted.document("acme", DIRECT, "direct").body)["jobs"]["sent"] == 1


def test_an_interrupt_amid_forgetting_leaves_no_stale_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does one that comes when the call is durable and its answers are about to be forgotten."""
    armed, forget = [KeyboardInterrupt], Library._touched

    def interrupted(library: Library, trigger_ids: Iterable[str]) -> None:
        while armed:
            raise armed.pop()
        forget(library, trigger_ids)

    with fresh() as library:
        library.record([*direct_trigger(), *jobs(1, 1)])
        library.document("acme", DIRECT, "direct")
        monkeypatch.setattr(Library, "_touched", interrupted)
        with pytest.raises(KeyboardInterrupt):
            library.record([outcome(1)])
        assert json.loads(library.document("acme", DIRECT, "direct").body)["jobs"]["sent"] == 1
