"""Planning: who gets a message and who doesn't, what it says, takes and costs."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import trigger_core
from trigger_core import Library, answers
from trigger_core._segments import segments
from trigger_core.catalog import Contact, ContactList, Template, TemplateVariant, Workflow, WorkflowStep
from trigger_core.errors import (
    IdempotencyInFlight,
    IdempotencyMismatch,
    InvalidValue,
    StoreInDoubt,
    StoreUnavailable,
)
from trigger_core.sending import Send, WorkflowRun
from trigger_core.testing.contract.sending.world import ACCOUNT, Clock, Teller, make
from trigger_core.worker import Worker

TITLES = {"email": "email", "sms": "SMS", "whatsapp": "WhatsApp"}
OUT_OF_MANY = st.text(
    st.sampled_from("ab c[]{}€^~çé\n\f'\"\\%😀\u00a0\u2028")
    | st.characters(codec="utf-8", exclude_characters="\0"),
    max_size=200,
)

names = st.sampled_from(["name", "code", "_x"])
values = st.one_of(OUT_OF_MANY, st.integers(-(2**53) + 1, 2**53 - 1), st.booleans())
countries = st.sampled_from(["US", "IN", None])


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A template's text: some of anything, with variables in between."""
    parts = draw(
        st.lists(
            st.one_of(OUT_OF_MANY, names.map("{{{{{}}}}}".format), names.map("{{{{ {} }}}}".format)),
            min_size=1,
            max_size=6,
        )
    )
    return "".join(parts) or "x"


contacts: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    email=st.sampled_from([None, "one@example.org", "two@example.org", "nonsense"]),
    phone_number=st.sampled_from([None, "+14155550100", "+14155550101", "+918489462530", "12"]),
    country=countries,
    opted_out=st.lists(st.sampled_from(["email", "sms", "whatsapp"]), unique=True),
    attributes=st.dictionaries(names, values, max_size=3),
)
variants: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.builds(
        dict,
        country=countries,
        approved=st.booleans(),
        text=texts(),
        price=st.sampled_from(["0", "0.03", "0.007512"]),
        price_per=st.sampled_from(["message", "segment"]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda variant: variant["country"],
)


def rendered(text: str, values: dict[str, Any]) -> str:
    """A template's text with its variables filled in, the plain way."""

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1], "")
        return str(found).lower() if isinstance(found, bool) else str(found)

    return re.sub(r"\{\{ *([A-Za-z_]\w*) *\}\}", value, text, flags=re.ASCII)


def expected_jobs(
    channel: str, audience: list[str], known: dict[str, Contact], template: Template, given: dict[str, Any]
) -> list[dict[str, Any]]:
    """What is planned for each contact, worked out one by one."""
    found: list[dict[str, Any]] = []
    reached = set()
    for name in dict.fromkeys(audience):
        contact = known.get(name)
        address = contact and (contact.email if channel == "email" else contact.phone_number)
        job: dict[str, Any] = {"contact": name, "address": address}
        found.append(job)
        approved = {variant.country: variant for variant in template.variants if variant.approved}
        country = contact.country if contact else None
        variant = approved.get(country) or approved.get(None)
        if contact is None:
            job["code"] = "unknown_contact"
        elif channel in (contact.opted_out or ()):
            job["code"] = "opted_out"
        elif address is None:
            job["code"] = "missing_address"
        elif not (contact.email_valid if channel == "email" else contact.phone_number_valid):
            job["code"] = "invalid_address"
        elif variant is None:
            job["code"] = "no_approved_template"
            where = f" for country: {country}" if country else ""
            job["message"] = f"No approved {TITLES[channel]} template{where}"
        elif address in reached:
            job["code"] = "duplicate_recipient"
        else:
            reached.add(address)
            job["text"] = rendered(variant.text, {**contact.attributes, **given})
            job["segments"] = segments(job["text"]) if channel == "sms" else None
            times = job["segments"] or 1 if variant.price_per == "segment" else 1
            job["cost"] = variant.price * times
    return found


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    channel=st.sampled_from(["email", "sms", "whatsapp"]),
    people=st.lists(contacts, min_size=1, max_size=6),
    variants=variants,
    given=st.dictionaries(names, values, max_size=2),
    audience=st.lists(st.integers(0, 7), min_size=1, max_size=8),
    by_list=st.booleans(),
)
def test_planning_agrees_with_the_model(
    shared: Library,
    numbers: Any,
    channel: str,
    people: list[dict[str, Any]],
    variants: list[dict[str, Any]],
    given: dict[str, Any],
    audience: list[int],
    by_list: bool,
) -> None:
    """Jobs, reasons, texts, segments and prices are those that going through the audience one by one gives."""
    run = next(numbers)
    account = f"acme-{run}"
    if channel == "email":
        variants = [{**variant, "subject": "Hi", "price_per": "message"} for variant in variants]
    elif channel == "whatsapp":
        variants = [{**variant, "price_per": "message"} for variant in variants]
    catalog = shared.catalog
    try:
        made = Template(
            key="t",
            channel=channel,
            currency="USD",
            variants=tuple(TemplateVariant(**each) for each in variants),
        )
    except InvalidValue:
        return
    template = catalog.put(account, made)
    known = {
        f"user_{place}": catalog.put(account, Contact(external_id=f"user_{place}", **person))
        for place, person in enumerate(people)
    }
    meant = [f"user_{place}" for place in audience]
    if by_list:
        catalog.put(account, ContactList(name="some", contacts=tuple(meant)))
        whom: dict[str, Any] = {"list_name": "some"}
        meant = sorted(meant)
    else:
        whom = {"contact_external_ids": meant}
    receipt = shared.send(account, Send(channel=channel, template_key="t", variables=given or None, **whom))
    expected = expected_jobs(channel, meant, known, template, given)

    execution = shared.direct(account, receipt.trigger_id).execution
    assert execution is not None
    jobs = shared.jobs(account, execution.id).jobs
    assert [(job.contact_external_id, job.address, job.filter_code) for job in jobs] == [
        (job["contact"], job["address"], job.get("code")) for job in expected
    ]
    for job, wanted in zip(jobs, expected, strict=True):
        assert "message" not in wanted or job.filter_reason == wanted["message"]
    sender = Teller()
    with Worker(shared, {channel: sender}) as worker:
        while worker.turn():
            pass
    to_send = [job for job in expected if "code" not in job]
    assert [message.text for message in sender.handed] == [job["text"] for job in to_send]
    sent = shared.jobs(account, execution.id, status="sent").jobs
    assert [(job.segments, job.cost) for job in sent] == [(job["segments"], job["cost"]) for job in to_send]
    assert list(shared.audit()) == []


@pytest.fixture(scope="module")
def shared(new_store: Callable[[], str]) -> Any:
    with trigger_core.open(new_store()) as library:
        yield library


@pytest.fixture(scope="module")
def numbers() -> Any:
    return count()


def test_a_send_to_one_contact_has_a_job(library: Library) -> None:
    """Its receipt names the job; its answers say who was asked for, and nothing is pending but that."""
    receipt = library.send(ACCOUNT, Send(channel="sms", template_key="hello", contact_external_id="user_2"))
    assert receipt.job_id == 1
    trigger = library.trigger(ACCOUNT, receipt.trigger_id)
    assert (trigger.campaign_name, trigger.trigger_source, trigger.status) == (
        "SMS Send - hello",
        "direct_api",
        "pending",
    )
    counts = library.direct(ACCOUNT, receipt.trigger_id).jobs
    assert counts is not None
    assert (counts.total, counts.pending) == (1, 1)


@pytest.mark.parametrize("channel", ["email", "sms", "whatsapp"])
def test_one_alone_is_planned_like_one_among_several(library: Library, channel: str) -> None:
    """Whether a contact is meant alone or with others changes neither reason nor variant nor price."""
    variants: list[dict[str, Any]] = [
        {"country": "US", "approved": True, "text": "Hi " * 60, "price": "0.03", "price_per": "message"},
        {"country": "IN", "approved": False, "text": "Namaste", "price": "0.02", "price_per": "message"},
        {"country": "FR", "approved": True, "text": "Salut", "price": "0.01", "price_per": "message"},
    ]
    if channel == "sms":
        variants = [{**each, "price_per": "segment"} for each in variants]
    if channel == "email":
        variants = [{**each, "subject": "Hi"} for each in variants]
    catalog = library.catalog
    made = tuple(TemplateVariant(**each) for each in variants)
    catalog.put("alone", Template(key="t", channel=channel, currency="USD", variants=made))
    for place, (country, number, email, out) in enumerate(
        [
            ("US", "+14155550100", "a@example.org", ()),
            ("FR", "+33612345678", "b@example.org", ()),
            ("IN", "+918489462530", "c@example.org", ()),
            ("DE", "+4915112345678", "d@example.org", ()),
            ("US", "12", "nonsense", ()),
            ("US", None, None, ()),
            ("FR", "+33612345679", "e@example.org", (channel,)),
        ]
    ):
        contact = Contact(
            external_id=f"user_{place}", country=country, phone_number=number, email=email, opted_out=out
        )
        catalog.put("alone", contact)
    names = [f"user_{place}" for place in range(8)]

    def planned(**whom: Any) -> list[Any]:
        receipt = library.send("alone", Send(channel=channel, template_key="t", **whom))
        query = "select * from jobs where trigger_id = $trigger_id::uuid order by job_id"
        columns, rows = library.store.table(query, {"trigger_id": receipt.trigger_id})
        own = {"trigger_id", "execution_id", "job_id", "filtered_at", "last_outcome_at"}
        return [
            {name: value for name, value in zip(columns, row, strict=True) if name not in own} for row in rows
        ]

    together = planned(contact_external_ids=names)
    assert [planned(contact_external_id=name) for name in names] == [[job] for job in together]
    assert len({job["code"] for job in together}) == 6


def test_replacing_changes_nothing_that_was_planned(library: Library) -> None:
    """A template, contact or list that is replaced after a send says for that send what it said before."""
    library.send(ACCOUNT, Send(channel="sms", template_key="hello", list_name="everyone"))
    put = library.catalog.put
    put(
        ACCOUNT, Template(key="hello", channel="sms", variants=(TemplateVariant(approved=False, text="Bye"),))
    )
    one = library.catalog.contact(ACCOUNT, "user_1")
    put(ACCOUNT, evolve(one, phone_number="+14155559999", attributes={"name": "Else"}, opted_out=("sms",)))
    put(ACCOUNT, ContactList(name="everyone", contacts=("user_9",)))
    sender = Teller()
    with Worker(library, {"sms": sender}) as worker:
        worker.turn()
    assert [message.text for message in sender.handed] == [f"Hello No. {number}" for number in range(1, 6)]
    assert sender.handed[0].address == "+14155550001"


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (Send(channel="sms", template_key="nothing", contact_external_id="user_1"), ["template_key"]),
        (Send(channel="sms", template_key="hello", list_name="nobody"), ["list_name"]),
        (Send(channel="sms", template_key="hello", list_name="empty"), ["list_name"]),
        (Send(channel="sms", template_key="nothing", list_name="empty"), ["template_key", "list_name"]),
        (WorkflowRun(workflow_name="nothing", contact_external_id="user_1"), ["workflow_name"]),
        (WorkflowRun(workflow_name="nothing", list_name="nobody"), ["workflow_name", "list_name"]),
        (
            WorkflowRun(
                workflow_name="Series",
                contact_external_id="user_1",
                scheduled_at="9999-12-31T00:00:00Z",  # type: ignore[arg-type]
            ),
            ["scheduled_at"],
        ),
    ],
)
def test_what_is_not_there_is_named(library: Library, request_: Any, fields: list[str]) -> None:
    """A request that names what is unknown, or has no time, is refused by each such field; nothing is left of it."""
    library.catalog.put(ACCOUNT, ContactList(name="empty", contacts=()))
    ask = library.send if isinstance(request_, Send) else library.run
    for _ in range(2):
        with pytest.raises(InvalidValue) as caught:
            ask(ACCOUNT, request_, idempotency_key="k")
        assert [caught.value.field, *(error.field for error in caught.value.others)] == fields
    assert library.triggers(ACCOUNT).triggers == ()


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({}, "recipient_type"),
        ({"recipient_type": "list"}, "list_name"),
        ({"recipient_type": "list", "contact_external_id": "user_1"}, "list_name"),
        ({"contact_external_id": "user_1", "list_name": "everyone"}, "recipient_type"),
        (
            {"recipient_type": "contact", "contact_external_id": "user_1", "list_name": "everyone"},
            "list_name",
        ),
        ({"contact_external_ids": []}, "contact_external_ids"),
        ({"contact_external_ids": "user_1"}, "contact_external_ids"),
        ({"contact_external_id": "user_1", "scheduled_at": "2025-11-23T12:00:00"}, "scheduled_at"),
        ({"contact_external_id": "user_1", "variables": {"a": None}}, "variables.a"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(members: dict[str, Any], field: str) -> None:
    """A request that can't be meant is refused when it is made."""
    with pytest.raises(InvalidValue) as caught:
        Send(channel="sms", template_key="hello", **members)
    assert caught.value.field == field


def test_a_key_has_one_effect(library: Library, clock: Clock) -> None:
    """The same request gets the first receipt for a day; another one is refused; then the key is new."""
    request = Send(channel="sms", template_key="hello", contact_external_id="user_1", variables={"name": "A"})
    first = library.send(ACCOUNT, request, idempotency_key="k")
    again = library.send(ACCOUNT, evolve(request), idempotency_key="k")
    assert again == evolve(first, is_replay=True)
    with pytest.raises(IdempotencyMismatch):
        library.send(ACCOUNT, evolve(request, variables={"name": "B"}), idempotency_key="k")
    with pytest.raises(IdempotencyMismatch):
        library.run(
            ACCOUNT, WorkflowRun(workflow_name="Series", contact_external_id="user_1"), idempotency_key="k"
        )
    clock.forward(hours=23)
    assert library.send(ACCOUNT, request, idempotency_key="k").trigger_id == first.trigger_id
    clock.forward(hours=1)
    assert library.send(ACCOUNT, request, idempotency_key="k").trigger_id != first.trigger_id
    assert len(library.triggers(ACCOUNT).triggers) == 2
    assert library.send(ACCOUNT, request).trigger_id != library.send(ACCOUNT, request).trigger_id


@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_doubt_is_told(library: Library, is_recorded: bool) -> None:
    """Where the store is lost as it commits, and then stays away, nobody says that nothing was recorded."""
    request = Send(channel="sms", template_key="hello", contact_external_id="user_1", variables={"name": "A"})
    write, tries = library.store.write, iter((StoreInDoubt(), StoreUnavailable()))

    def gone() -> Any:
        raise StoreUnavailable

    @contextmanager
    def lost() -> Iterator[Any]:
        error = next(tries)
        if is_recorded:
            with write() as session:
                yield session
            patch.setattr(library.store, "read", gone)
            raise error
        with write() as session:
            yield session
            raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library.store, "write", lost)
        with pytest.raises(StoreInDoubt, match="may have been recorded"):
            library.send(ACCOUNT, request, idempotency_key="k")
    assert library.send(ACCOUNT, request, idempotency_key="k").is_replay == is_recorded
    assert len(library.triggers(ACCOUNT).triggers) == 1


def test_a_key_in_flight_is_said_so(library: Library) -> None:
    """Of two requests with one key at the same moment the second is told to ask again; afterwards it is a replay."""
    request = Send(channel="sms", template_key="hello", contact_external_id="user_1")
    library._in_flight.add((ACCOUNT, "k"))
    with pytest.raises(IdempotencyInFlight):
        library.send(ACCOUNT, request, idempotency_key="k")
    library._in_flight.clear()
    assert not library.send(ACCOUNT, request, idempotency_key="k").is_replay
    assert library.send(ACCOUNT, request, idempotency_key="k").is_replay


def test_an_account_without_a_currency_is_told_so(library: Library) -> None:
    """Costs need a currency: where no template or fact ever named one, a send says what to do."""
    text = TemplateVariant(approved=True, text="Hello")
    library.catalog.put("globex", Template(key="hello", channel="sms", variants=(text,)))
    with pytest.raises(InvalidValue) as caught:
        library.send("globex", Send(channel="sms", template_key="hello", contact_external_id="user_1"))
    assert caught.value.field == "currency"


def test_accounts_are_apart(library: Library) -> None:
    """Another account's templates, lists and contacts are nobody's; its keys are its own."""
    request = Send(channel="sms", template_key="hello", contact_external_id="user_1")
    library.send(ACCOUNT, request, idempotency_key="k")
    with pytest.raises(InvalidValue):
        library.send("globex", request, idempotency_key="k")
    text = TemplateVariant(approved=True, text="Hello", price=Decimal(1))
    library.catalog.put("globex", Template(key="hello", channel="sms", currency="EUR", variants=(text,)))
    receipt = library.send("globex", request, idempotency_key="k")
    jobs = library.direct("globex", receipt.trigger_id).jobs
    assert jobs is not None
    assert jobs.filtered == 1


def test_a_group_is_planned_at_once(library: Library, clock: Clock) -> None:
    """All channels of a template group are planned when it starts, for the same contacts."""
    receipt = library.run(ACCOUNT, WorkflowRun(workflow_name="Group", list_name="everyone"))
    channels = library.workflow(ACCOUNT, receipt.trigger_id).channels or {}
    assert {name: each.jobs and each.jobs.pending for name, each in channels.items()} == dict.fromkeys(
        ("email", "sms", "whatsapp"), 5
    )
    later = clock.now.replace(hour=18)
    receipt = library.run(
        ACCOUNT, WorkflowRun(workflow_name="Group", contact_external_ids=("user_1",), scheduled_at=later)
    )
    waiting = library.workflow(ACCOUNT, receipt.trigger_id)
    assert [each.jobs for each in (waiting.channels or {}).values()] == [None] * 3
    clock.forward(hours=6)
    with Worker(library, {}) as worker:
        assert worker.turn() == 3
    assert library.trigger(ACCOUNT, receipt.trigger_id).summary.total_contacts == 1


def test_a_workflow_means_those_it_was_run_for(library: Library, clock: Clock) -> None:
    """A list that is replaced between two steps leaves a run's contacts as they were; templates are the newest."""
    receipt = library.run(ACCOUNT, WorkflowRun(workflow_name="Series", list_name="everyone"))
    library.catalog.put(ACCOUNT, ContactList(name="everyone", contacts=("user_1",)))
    steps = [WorkflowStep(step_id="a", step_name="A", channel="sms", template_key="hello", delay_minutes=0)]
    library.catalog.put(ACCOUNT, Workflow(name="Series", steps=tuple(steps)))
    clock.forward(days=1)
    with Worker(library, {}) as worker:
        assert (worker.turn(), worker.turn()) == (1, 0)
    second = library.workflow(ACCOUNT, receipt.trigger_id).steps[1]
    assert second.jobs is not None
    assert second.jobs.total == 5


def test_many_threads_send(clock: Clock) -> None:
    """Sends of many threads at once are each planned once, with their own receipt."""
    from concurrent.futures import ThreadPoolExecutor

    with make(clock) as library, ThreadPoolExecutor(16) as pool:
        requests = [
            Send(
                channel="sms", template_key="hello" if number % 5 else "nothing", contact_external_id="user_1"
            )
            for number in range(64)
        ]

        def send(number: int) -> str | None:
            try:
                return library.send(ACCOUNT, requests[number], idempotency_key=f"k{number % 60}").trigger_id
            except (InvalidValue, IdempotencyInFlight):
                return None

        ids = [one for one in pool.map(send, range(64)) if one is not None]
        listed = library.triggers(ACCOUNT, limit=200).triggers
        assert {one.id for one in listed} == set(ids)
        assert len(listed) == 48
        assert list(library.audit()) == []


def test_segments_cost_each(library: Library) -> None:
    """A long text costs for each of its segments where that is its price."""
    text = TemplateVariant(approved=True, text="x" * 161, price=Decimal("0.03"), price_per="segment")
    library.catalog.put(ACCOUNT, Template(key="long", channel="sms", variants=(text,)))
    receipt = library.send(ACCOUNT, Send(channel="sms", template_key="long", list_name="everyone"))
    with Worker(library, {"sms": Teller()}) as worker:
        worker.turn()
    execution = library.direct(ACCOUNT, receipt.trigger_id).execution
    assert execution is not None
    assert (execution.total_segments, execution.estimated_cost) == (10, Decimal("0.30"))
    assert answers.to_json(execution)["estimated_cost"] == 0.3
