"""A copy brings everything over, merges what both stores know, and can be done again."""

import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import trigger_core
from trigger_core import Library, _copy_facts, facts
from trigger_core.catalog import (
    Contact,
    ContactList,
    Item,
    Template,
    TemplateGroup,
    TemplateVariant,
    Workflow,
    WorkflowStep,
)
from trigger_core.copying import Copied, CopyRefused, copy
from trigger_core.errors import InvalidValue, StoreUnavailable
from trigger_core.store import Store
from trigger_core.testing.contract.samples import (
    CREATED,
    DIRECT,
    EXECUTION,
    direct_trigger,
    fact,
    jobs,
    outcome,
)
from trigger_core.testing.contract.stores import command, fresh, new_url
from trigger_core.testing.contract.stories import story
from trigger_core.testing.contract.strategies import History, facts_of, histories
from trigger_core.testing.contract.test_histories import answers_of
from trigger_core.testing.contract.test_record import everything

KINDS = (
    "accounts",
    "triggers",
    "steps",
    "executions",
    "jobs",
    "attempts",
    "events",
    "message_ids",
    "other_messages",
)
"""Tables that a copy has row by row."""


def examples(short: int, long: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "examples", [pytest.param(short, id="short"), pytest.param(long, id="long", marks=pytest.mark.deep)]
    )


def run(check: Callable[..., None], number: int, *strategies: st.SearchStrategy[Any]) -> None:
    drawn = settings(max_examples=number, deadline=None, suppress_health_check=list(HealthCheck))
    drawn(given(*strategies)(check))()


def recorded(library: Library, history: History) -> Library:
    for call in history:
        library.record(call)
    return library


def copied(source: Library, target: Library) -> Copied:
    """What a copy brought, with both audits empty."""
    done = copy(source, target)
    assert (done.source, done.target) == ((), ())
    return done


def waiting(library: Library) -> int:
    """How many events wait for their job: they are told again by each copy."""
    [(count,)] = library.store.table("select count(*) from parked_events", {})[1]
    return int(count)


@pytest.fixture(params=["kind to kind", "kind to DuckDB", "DuckDB to kind"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The stores of a copy: of the kind under test, and the default one."""
    here, there = new_url(), new_url()
    if request.param == "kind to kind":
        return here, there
    if here.startswith("duckdb:"):
        pytest.skip("that is the same pair")
    default = str(tmp_path / "store.duckdb")
    return (here, default) if request.param == "kind to DuckDB" else (default, here)


@examples(2, 200)
def test_a_copy_answers_what_its_source_answers(examples: int) -> None:
    """Of any history, in an empty store; the source stays as it is, and a second copy has nothing to do."""

    def check(history: History) -> None:
        with recorded(fresh(), history) as source, fresh() as target:
            before = everything(source)
            expected = answers_of(source, history)
            copied(source, target)
            assert answers_of(target, history) == expected
            assert {name: everything(target)[name] for name in KINDS} == {
                name: before[name] for name in KINDS
            }
            assert everything(source) == before
            after = everything(target)
            assert copied(source, target).facts == waiting(source)
            assert everything(target) == after

    run(check, examples, histories())


@examples(2, 200)
def test_stores_that_know_the_same_are_merged(examples: int) -> None:
    """Of two stores that each heard some of what happened, in any order, one copy makes what heard all of it."""

    def check(history: History, seed: int) -> None:
        dice = Random(seed)
        first = [one for one in facts_of(history) if one["kind"] in ("trigger", "execution", "job")]
        rest = [one for one in facts_of(history) if one["kind"] not in ("trigger", "execution", "job")]
        some = [[one for one in rest if dice.random() < 0.6] for _ in range(2)]
        unheard = [one for one in rest if one not in some[0] and one not in some[1]]
        with (
            recorded(fresh(), [first, some[0]]) as source,
            recorded(fresh(), [first, some[1], unheard]) as target,
            recorded(fresh(), [first, rest]) as whole,
        ):
            copied(source, target)
            assert answers_of(target, history) == answers_of(whole, history)

    run(check, examples, histories(), st.integers())


def test_a_copy_of_every_flow(pair: tuple[str, str]) -> None:
    """Stories of many triggers with many jobs go over, in steps that cut triggers and executions anywhere."""
    histories = [story(number, 8, 1) for number in range(3)]
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for name, size in (("_TRIGGERS", 3), ("_JOBS", 5), ("_BATCH", 30), ("_PARKED", 1)):
            patch.setattr(_copy_facts, name, size)
        source, target = (stack.enter_context(trigger_core.open(url)) for url in pair)
        told: list[tuple[str, int, int | None]] = []
        for history in histories:
            recorded(source, history)
        copy(source, target, progress=lambda *report: told.append(report))
        for history in histories:
            assert answers_of(target, history) == answers_of(source, history)
        assert [done for what, done, _ in told if what == "copying jobs"][-1] == copied(source, target).jobs
        assert copied(target, source).facts == waiting(target)


# What is no fact


def sms(text: str, **members: Any) -> Template:
    return Template(
        key="hello",
        channel="sms",
        variants=(TemplateVariant(approved=True, text=text, **members),),
        currency="USD",
    )


def fill(library: Library) -> None:
    """Something of everything."""
    put = library.catalog.put
    put("acme", sms("Old", price="0.01"))
    put("acme", sms("New {{name}}", price="0.02"))
    mail = TemplateVariant(approved=False, subject="Hi", text="Hello", country="IN")
    put("acme", Template(key="hello", channel="email", variants=(mail,)))
    put("acme", TemplateGroup(key="both", templates={"sms": "hello", "email": "hello"}))
    put("acme", Workflow(name="Group", template_group="both"))
    step = WorkflowStep(step_id="s", step_name="S", channel="sms", template_key="hello", delay_minutes=5)
    put("acme", Workflow(name="Steps", steps=(step,)))
    put("acme", ContactList(name="all", contacts=("ada", "ravi", "zoë")))
    put("acme", ContactList(name="none", contacts=()))
    put(
        "acme",
        Contact(external_id="ada", email="ada@example.org", phone_number="+14155550100", opted_out=("sms",)),
    )
    put("acme", Contact(external_id="ravi", country="IN", attributes={"n": 1, "ä": "ö"}))
    put("globex", Contact(external_id="ada"))


def catalog(library: Library) -> list[Any]:
    """All that the catalog says."""
    ask = library.catalog
    return [
        ask.template("acme", "hello", "sms"),
        ask.template("acme", "hello", "email"),
        ask.template_group("acme", "both"),
        ask.workflow("acme", "Group"),
        ask.workflow("acme", "Steps"),
        ask.list("acme", "all"),
        ask.list("acme", "none"),
        ask.contact("acme", "ada"),
        ask.contact("acme", "ravi"),
        ask.contact("globex", "ada"),
    ]


TABLES = (
    "template_variants",
    "template_groups",
    "workflows",
    "workflow_steps",
    "lists",
    "list_members",
    "contacts",
)


def stored(library: Library) -> dict[str, list[str]]:
    return {
        table: sorted(map(repr, library.store.table(f"select * from {table}", {})[1]))  # noqa: S608
        for table in (*TABLES, "api_keys", "accounts")
    }


def test_keys_and_the_catalog_go_over(pair: tuple[str, str]) -> None:
    """Every item is stored as it was, under its id; keys open the same, and those that were revoked don't."""
    with trigger_core.open(pair[0]) as source, trigger_core.open(pair[1]) as target:
        fill(source)
        expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
        keys = [
            source.create_key("acme", ["read", "send"], expires_at=expires_at),
            source.create_key("acme", ["catalog"]),
            source.create_key("nobody", ["read"], test=True),
        ]
        source.revoke_key("acme", keys[1].key_id)
        done = copied(source, target)
        assert (done.keys, done.templates, done.template_groups, done.workflows, done.lists, done.contacts) == (
            3, 2, 1, 2, 2, 3
        )  # fmt: skip
        assert catalog(target) == catalog(source)
        assert stored(target) == stored(source)
        for key in keys:
            assert target.authenticate(key.key) == source.authenticate(key.key)
        again = copied(source, target)
        assert (again.keys, again.templates, again.lists) == (0, 0, 0)
        assert stored(target) == stored(source)


def test_what_was_said_on_either_side_stays(library: Library) -> None:
    """A key revoked on one side is revoked, who opted out on one side is out, a replaced template is replaced."""
    with fresh() as other:
        fill(library)
        key = library.create_key("acme", ["read"])
        copied(library, other)
        ravi = library.catalog.contact("acme", "ravi")
        other.catalog.put("acme", evolve(ravi, opted_out=("email",)))
        library.catalog.put("acme", evolve(ravi, opted_out=("sms",)))
        library.revoke_key("acme", key.key_id)
        newest = library.catalog.put("acme", sms("Newest", price="0.02"))
        for source, target in ((library, other), (other, library)):
            copied(source, target)
            assert target.catalog.contact("acme", "ravi").opted_out == ("email", "sms")
            assert target.authenticate(key.key) is None
            assert target.catalog.template("acme", "hello", "sms") == newest


def test_an_event_undoes_no_later_word(library: Library) -> None:
    """Who unsubscribed and came back since gets messages from the copy as from its source."""
    library.catalog.put("acme", Contact(external_id="user_1"))
    library.record([*direct_trigger(), *jobs(1, 1)])
    library.record(
        [fact("event", execution_id=EXECUTION, job_id=1, event_id="e", type="unsubscribed", at=CREATED)]
    )
    assert library.catalog.contact("acme", "user_1").opted_out == ("sms",)
    back = library.catalog.put("acme", Contact(external_id="user_1", opted_out=()))
    with fresh() as target:
        copied(library, target)
        copied(library, target)
        assert target.catalog.contact("acme", "user_1") == back


def test_waiting_events_find_their_job_there(library: Library) -> None:
    """An event whose job the source doesn't know is applied where the target does, and waits on otherwise."""
    event = {"event_id": "e", "type": "read", "at": CREATED}
    library.record(
        [
            fact("event", **event, execution_id=EXECUTION, job_id=1),
            fact("event", **event, account="acme", provider="twilio", provider_message_id="m"),
            fact("event", **event, execution_id=EXECUTION, job_id=9),
        ]
    )
    with fresh() as target:
        target.record(
            [*direct_trigger(), *jobs(1, 1), outcome(1, provider="twilio", provider_message_id="m")]
        )
        copied(library, target)
        assert target.job("acme", EXECUTION, 1).read_at == facts.instant(CREATED, "")
        assert sum(everything(target)["parked_events"].values()) == 1


# Conflicts


def trigger_of(**members: Any) -> list[facts.Fact]:
    head, execution = direct_trigger()
    return [evolve(head, **members), execution]


OTHERS: Mapping[str, Item] = {
    "account acme, template hello for sms": sms("Other", price="0.01"),
    "account acme, template group both": TemplateGroup(key="both", templates={"sms": "hello"}),
    "account acme, workflow Steps": Workflow(name="Steps", template_group="both"),
    "account acme, list all": ContactList(name="all", contacts=("ada",)),
    "account acme, contact ada": Contact(external_id="ada"),
}


def test_other_items_of_one_name_are_named(library: Library) -> None:
    """What both catalogs have under a name must be the same; otherwise it is named, and nothing is copied."""
    fill(library)
    library.record(direct_trigger())
    with fresh() as target:
        fill(target)
        copied(library, target)
        target.record(trigger_of(trigger_id=EXECUTION)[:1])
    with fresh() as target:
        fill(target)
        for item in OTHERS.values():
            target.catalog.put("acme", item)
        before = stored(target), everything(target)
        with pytest.raises(CopyRefused) as caught:
            copy(library, target)
        assert {conflict.subject for conflict in caught.value.conflicts} == OTHERS.keys()
        assert (stored(target), everything(target)) == before


@pytest.mark.parametrize(
    ("theirs", "subject"),
    [
        (trigger_of(campaign_name="Other"), f"trigger {DIRECT}"),
        ([trigger_of()[0], fact("execution", account="acme", trigger_id=DIRECT, execution_id=DIRECT, channel="sms")],
         f"execution {EXECUTION} of trigger {DIRECT}"),
        ([*direct_trigger(), fact("job", execution_id=EXECUTION, job_id=1, contact="other")],
         f"execution {EXECUTION}, job 1"),
        ([fact("trigger", account="acme", trigger_id=EXECUTION, flow_type="direct_channel", trigger_type="sms",
               trigger_source="api", campaign_name="", currency="EUR", created_at=CREATED)], "account acme"),
    ],
)  # fmt: skip
def test_facts_that_contradict_are_named(library: Library, theirs: list[facts.Fact], subject: str) -> None:
    """Of triggers, executions, jobs and currencies that differ the first thing is said, and the target is sound."""
    library.record([*direct_trigger(), *jobs(1, 1), outcome(1)])
    with fresh() as target:
        target.record(theirs)
        with pytest.raises(CopyRefused) as caught:
            copy(library, target)
        assert caught.value.conflicts[0].subject == subject
        assert list(target.audit()) == []


class Elsewhere:
    """A store by another address."""

    url = "elsewhere://store"

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_store_is_not_copied_into_itself(library: Library) -> None:
    """The same store on both sides is refused, by whatever address, and nothing is changed."""
    fill(library)
    before = stored(library)
    elsewhere = Library(cast("Store", Elsewhere(library.store)))
    for source, target in ((library, library), (library, elsewhere), (elsewhere, library)):
        with pytest.raises(InvalidValue, match="another store"):
            copy(source, target)
    assert stored(library) == before
    assert library.store.table("select count(*) from rates", {})[1] == [(0,)]


# Crashes


def test_a_copy_that_broke_off_is_done_again(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever write fails, what went over is there, and the next copy brings the rest and writes less."""
    fill(library)
    histories = [story(number, 4, 1) for number in range(3)]
    for history in histories:
        recorded(library, history)
    monkeypatch.setattr(_copy_facts, "_TRIGGERS", 1)
    for number in range(1, 40, 8):
        with fresh() as target:
            write, left = target.store.write, [number]

            def failing(write: Any = write, left: list[int] = left) -> Any:
                left[0] -= 1
                if left[0] == 0:
                    raise StoreUnavailable
                return write()

            with monkeypatch.context() as patch:
                patch.setattr(target.store, "write", failing)
                try:
                    copy(library, target)
                except StoreUnavailable:
                    pass
                else:
                    break
            copied(library, target)
            assert stored(target) == stored(library)
            for history in histories:
                assert answers_of(target, history) == answers_of(library, history)
    else:
        raise AssertionError("a copy of that little takes so many writes?")


@pytest.mark.parametrize(("kills", "triggers"), [(1, 2), pytest.param(60, 12, marks=pytest.mark.deep)])
def test_a_killed_copy_is_done_again(store_url: str, kills: int, triggers: int) -> None:
    """Killed at any moment, a copy leaves a target that is sound, and one that is let live completes it."""
    dice = Random(kills)
    target = new_url()
    histories = [story(number, 12, 4) for number in range(triggers)]
    with trigger_core.open(store_url) as library:
        fill(library)
        for history in histories:
            recorded(library, history)
        expected = [answers_of(library, history) for history in histories]
    for _ in range(kills):
        with subprocess.Popen(command("copier", store_url, target), stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(dice.randrange(40)):
                process.stdout.readline()
            process.kill()
        with trigger_core.open(target) as library:
            assert list(library.audit()) == []
    subprocess.run(command("copier", store_url, target), check=True, stdout=subprocess.PIPE)
    with trigger_core.open(store_url) as one, trigger_core.open(target) as other:
        assert [answers_of(other, history) for history in histories] == expected
        assert [answers_of(one, history) for history in histories] == expected
        assert stored(other) == stored(one)
