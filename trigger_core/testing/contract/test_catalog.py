"""The catalog through the library."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import trigger_core
from trigger_core import Library, _addresses
from trigger_core.catalog import (
    Contact,
    ContactList,
    Item,
    Template,
    TemplateGroup,
    TemplateVariant,
    Workflow,
    from_json,
    to_json,
)
from trigger_core.errors import InvalidValue, MissingExtra, NotFound
from trigger_core.testing.contract.samples import CREATED, EXECUTION, direct_trigger, fact


@pytest.fixture(scope="module")
def shared(new_store: Callable[[], str]) -> Iterator[Library]:
    with trigger_core.open(new_store()) as library:
        yield library


def read(library: Library, account: str, item: Item) -> Any:
    """What is stored under an item's name."""
    catalog = library.catalog
    match item:
        case Contact():
            return catalog.contact(account, item.external_id)
        case Template():
            return catalog.template(account, item.key, item.channel)
        case TemplateGroup():
            return catalog.template_group(account, item.key)
        case Workflow():
            return catalog.workflow(account, item.name)
        case ContactList():
            pages = [catalog.list(account, item.name, limit=2)]
            while cursor := pages[-1].pagination.next_cursor:
                pages.append(catalog.list(account, item.name, limit=2, cursor=cursor))
            found = tuple(name for page in pages for name in page.contacts)
            assert {page.pagination.total for page in pages} == {len(found)}
            return ContactList(name=item.name, contacts=found)


def sms(text: str = "Hello", key: str = "hello", **members: Any) -> Template:
    return Template(key=key, channel="sms", variants=({"approved": True, "text": text, **members},))  # type: ignore[arg-type]


def mail(key: str = "hello") -> Template:
    variant = TemplateVariant(approved=True, subject="Hi", text="Hello")
    return Template(key=key, channel="email", variants=(variant,))


def workflow(**step: Any) -> Workflow:
    usual = {"step_id": "s1", "step_name": "One", "channel": "sms", "template_key": "hello"}
    return Workflow(name="Welcome", steps=[{**usual, **step}])  # type: ignore[arg-type]


# Put and get

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
keys = st.sampled_from(("a", "b", "ä 😀", "O'Brien", "a/b", "%25"))
countries = st.sampled_from((None, "IN", "US", "DE"))
contacts = st.builds(
    Contact,
    external_id=keys,
    email=st.none() | words | st.sampled_from(("a@EXAMPLE.org", "ö@exämple.de", "a@b", "a..b@example.org")),
    phone_number=st.none()
    | st.text("+0123456789 -x", min_size=1, max_size=12)
    | st.sampled_from(("+91 84894 62530", "08489462530", "+15005550006", "0049 30 123456", "+80012345678")),
    country=countries,
    opted_out=st.none() | st.lists(st.sampled_from(("sms", "email", "whatsapp"))),
    attributes=st.dictionaries(
        words,
        words
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.booleans()
        | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: "e" not in repr(number)),
    ),
)
bodies = st.sampled_from(("Hello", "Hi {{first_name}}", "{{b}}{{ a }}{{b}}", "ç" * 71, "} {", "a,b"))
prices = st.decimals(0, 10**9, places=6) | st.sampled_from((Decimal(0), Decimal("0.0075")))


@st.composite
def templates(draw: st.DrawFn) -> Template:
    channel = draw(st.sampled_from(("email", "sms", "whatsapp")))
    per = st.sampled_from(("message", "segment") if channel == "sms" else ("message",))
    variants = st.builds(
        TemplateVariant,
        country=countries,
        approved=st.booleans(),
        subject=bodies if channel == "email" else st.none(),
        text=bodies,
        price=prices,
        price_per=per,
    )
    chosen = draw(st.lists(variants, min_size=1, max_size=4, unique_by=lambda variant: variant.country))
    return Template(key=draw(keys), channel=channel, variants=tuple(chosen), currency="USD")


lists = st.builds(ContactList, name=keys, contacts=st.lists(words, max_size=9))
items = st.one_of(contacts, templates(), lists)


@given(st.lists(items, min_size=1, max_size=6))
@settings(deadline=None, max_examples=10, suppress_health_check=list(HealthCheck))
def test_what_was_put_last_is_got(shared: Library, puts: list[Item]) -> None:
    """Of all that was put under a name, get gives what the last put gave back, which says what was put."""
    last = {}
    for item in puts:
        stored = shared.catalog.put("acme", item)
        name = to_json(item).get("channel"), next(iter(to_json(item).values()))
        last[type(item), name] = stored
        if isinstance(item, ContactList | Template):
            assert to_json(stored).keys() == to_json(item).keys()
        if isinstance(item, ContactList):
            assert stored == item
    for stored in last.values():
        assert read(shared, "acme", stored) == stored


@given(st.one_of(contacts, templates()))
@settings(deadline=None, max_examples=10, suppress_health_check=list(HealthCheck))
def test_putting_what_was_got_changes_nothing(shared: Library, item: Item) -> None:
    """What get gives can be put again, as JSON too, and stays the same, ids included."""
    stored = shared.catalog.put("acme", item)
    assert shared.catalog.replace("acme", stored) == (stored, False)
    assert shared.catalog.put("acme", from_json(to_json(stored), type(item))) == stored


def test_groups_and_workflows_are_got_as_put(library: Library) -> None:
    """A template group and a workflow come back as they were put, and keep their ids when replaced."""
    catalog = library.catalog
    for item in (sms(), mail(), sms(key="bye")):
        catalog.put("acme", item)
    group = catalog.put("acme", TemplateGroup(key="both", templates={"sms": "hello", "email": "hello"}))
    assert catalog.template_group("acme", "both") == group
    smaller = catalog.put("acme", TemplateGroup(key="both", templates={"sms": "bye"}))
    assert catalog.template_group("acme", "both") == smaller
    run = catalog.put("acme", workflow(delay_minutes=5))
    assert catalog.workflow("acme", "Welcome") == run
    other = catalog.put("acme", Workflow(name="Welcome", template_group="both"))
    assert catalog.workflow("acme", "Welcome") == other
    assert catalog.replace("acme", run) == (run, False)
    assert catalog.workflow("acme", "Welcome") == run
    assert (group.id, run.id) == (smaller.id, other.id)
    assert None not in (group.id, run.id)


@pytest.mark.parametrize(
    "item",
    [
        Contact(external_id="user_1"),
        sms(),
        ContactList(name="all", contacts=("user_1",)),
        TemplateGroup(key="both", templates={"sms": "hello"}),
        workflow(),
    ],
)
def test_accounts_are_apart(library: Library, item: Item) -> None:
    """What one account puts, another neither gets nor replaces nor may name."""
    library.catalog.put("acme", sms())
    stored = library.catalog.put("acme", item)
    with pytest.raises(NotFound):
        read(library, "globex", item)
    if isinstance(item, TemplateGroup | Workflow):
        with pytest.raises(InvalidValue, match="of this account"):
            library.catalog.put("globex", item)
        library.catalog.put("globex", sms())
    theirs, is_new = library.catalog.replace("globex", item)
    assert is_new
    assert read(library, "globex", theirs) == theirs
    assert read(library, "acme", item) == stored


@pytest.mark.parametrize("name", ["", "x" * 201, "a\0b", "\ud800", "nobody"])
def test_what_is_not_there_is_not_found(library: Library, name: str) -> None:
    """Asking for a name that is unknown, or can't be one, is NotFound."""
    catalog = library.catalog
    for ask in (catalog.contact, catalog.template_group, catalog.workflow, catalog.list):
        for names in (("acme", name), (name, "hello")):
            with pytest.raises(NotFound):
                ask(*names)
    for account, key, channel in (("acme", name, "sms"), ("acme", "hello", name), (name, "hello", "sms")):
        with pytest.raises(NotFound):
            catalog.template(account, key, channel)


# Contacts


@pytest.mark.parametrize(
    ("number", "country", "expected"),
    [
        ("+91 84894-62530", None, ("+918489462530", "IN", True)),
        ("+918489462530", "US", ("+918489462530", "US", True)),
        ("084894 62530", "IN", ("+918489462530", "IN", True)),
        ("084894 62530", None, ("084894 62530", None, False)),
        ("+15005550006", None, ("+15005550006", "US", True)),
        ("+800 1234 5678", None, ("+80012345678", None, True)),
        ("+1500555000", None, ("+1500555000", None, False)),
        ("+12025550123 ext. 5", None, ("+12025550123 ext. 5", None, False)),
        (None, "IN", (None, "IN", False)),
    ],
)
def test_phone_numbers(library: Library, number: str | None, country: str | None, expected: Any) -> None:
    """A number is kept as E.164 where it is one, and says the country where that isn't given."""
    found = library.catalog.put("acme", Contact(external_id="a", phone_number=number, country=country))
    assert (found.phone_number, found.country, found.phone_number_valid) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("User@EXAMPLE.org", ("User@example.org", True)),
        ("success@simulator.amazonses.com", ("success@simulator.amazonses.com", True)),
        ("ö@exämple.de", ("ö@exämple.de", True)),
        ("nobody", ("nobody", False)),
        ("a..b@example.org", ("a..b@example.org", False)),
        ("a@localhost", ("a@localhost", False)),
        (None, (None, False)),
    ],
)
def test_email_addresses(library: Library, address: str | None, expected: Any) -> None:
    """An address is normalised where it is one, and kept as it is where it isn't."""
    found = library.catalog.put("acme", Contact(external_id="a", email=address))
    assert (found.email, found.email_valid) == expected


def test_opt_outs_stay_unless_said(library: Library) -> None:
    """A contact put without opt-outs keeps those that are recorded; a list replaces them, an empty one too."""
    catalog = library.catalog
    assert catalog.put("acme", Contact(external_id="a")).opted_out == ()
    assert catalog.put("acme", Contact(external_id="a", opted_out=("whatsapp", "email"))).opted_out == (
        "email",
        "whatsapp",
    )
    assert catalog.put("acme", Contact(external_id="a", email="a@example.org")).opted_out == (
        "email",
        "whatsapp",
    )
    catalog.put_contacts("acme", [Contact(external_id="a"), Contact(external_id="a", country="IN")])
    assert catalog.contact("acme", "a").opted_out == ("email", "whatsapp")
    catalog.put_contacts("acme", [Contact(external_id="a", opted_out=("sms",)), Contact(external_id="a")])
    assert catalog.contact("acme", "a").opted_out == ("sms",)
    assert catalog.put("acme", Contact(external_id="a", opted_out=())).opted_out == ()
    assert catalog.contact("acme", "a").opted_out == ()


def test_an_event_opts_out(library: Library) -> None:
    """An opt-out that a provider reports is shown, also where nobody said anything before."""
    library.catalog.put("acme", Contact(external_id="a"))
    job = {"execution_id": EXECUTION, "job_id": 1}
    library.record([*direct_trigger(), fact("job", **job, contact="a")])
    library.record([fact("event", **job, event_id="e", type="unsubscribed", at=CREATED)])
    assert library.catalog.contact("acme", "a").opted_out == ("sms",)


@pytest.mark.parametrize("name", ["email_validator", "phonenumbers"])
def test_a_missing_extra_is_named(library: Library, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Without the optional dependencies contacts with addresses aren't stored, and the error says what to install."""
    monkeypatch.setitem(__import__("sys").modules, name, None)
    _addresses._email_validator.cache_clear()
    _addresses._phonenumbers.cache_clear()
    _addresses._domain.cache_clear()
    with pytest.raises(MissingExtra, match=r"trigger-core\[send\]"):
        library.catalog.put(
            "acme", Contact(external_id="a", email="a@example.org", phone_number="+918489462530")
        )
    assert library.catalog.put("acme", Contact(external_id="a")).external_id == "a"


# Templates


def rows(library: Library) -> list[Any]:
    return library.store.table("select variant_id, text, price, retired_at from template_variants", {})[1]


def test_replacing_leaves_what_was_planned_with(library: Library) -> None:
    """A replaced template's variants stay under their ids as they were, out of use; the new ones have new ids."""
    first = library.catalog.put("acme", sms("One"))
    before = rows(library)
    second = library.catalog.put("acme", sms("Two"))
    [kept] = [row for row in rows(library) if str(row[0]) == first.variants[0].id]
    assert kept[:3] == before[0][:3]
    assert before[0][3] is None
    assert kept[3] is not None
    assert first.variants[0].id != second.variants[0].id
    assert library.catalog.template("acme", "hello", "sms") == second


def test_an_unchanged_template_keeps_its_ids(library: Library) -> None:
    """Putting a template as it is stores nothing."""
    first = library.catalog.put("acme", sms("One"))
    assert library.catalog.replace("acme", sms("One")) == (first, False)
    assert len(rows(library)) == 1


def test_replacing_concerns_one_template(library: Library) -> None:
    """Replacing a template leaves other keys, channels and accounts alone."""
    others = [("acme", mail()), ("acme", sms(key="bye")), ("globex", sms("Old"))]
    stored = [(account, library.catalog.put(account, item)) for account, item in others]
    library.catalog.put("acme", sms("Old"))
    library.catalog.put("acme", sms("New"))
    assert [read(library, account, item) for account, item in stored] == [item for _, item in stored]


def test_what_is_known_of_a_text(library: Library) -> None:
    """Variables are those of subject and text, sorted; segments are counted for SMS without variables."""
    text = "{{b}} {{ a }}"
    variant = TemplateVariant(approved=True, subject="{{c}} {{a}}", text=text)
    stored = library.catalog.put("acme", Template(key="a", channel="email", variants=(variant,)))
    assert (stored.variants[0].variables, stored.variants[0].segments) == (("a", "b", "c"), None)
    [found] = library.catalog.put("acme", sms("a" * 161)).variants
    assert (found.variables, found.segments) == ((), 2)
    assert library.catalog.put("acme", sms(text)).variants[0].segments is None


def test_the_first_currency_is_the_accounts(library: Library) -> None:
    """A template's currency becomes the account's where it has none; later ones must agree, or say nothing."""
    catalog = library.catalog
    with pytest.raises(InvalidValue, match="currency: is missing"):
        catalog.put("acme", sms(price="0.01"))
    assert catalog.put("acme", sms(price="0")).currency is None
    euro = Template(key="a", channel="sms", currency="EUR", variants=sms(price="0.01").variants)
    assert catalog.put("acme", euro).currency == "EUR"
    assert catalog.put("acme", sms(price="0.02")).currency == "EUR"
    dollar = Template(key="a", channel="sms", currency="USD", variants=euro.variants)
    with pytest.raises(InvalidValue, match="currency: must be EUR"):
        catalog.put("acme", dollar)
    assert catalog.put("globex", dollar).currency == "USD"
    assert catalog.template("acme", "a", "sms").currency == "EUR"


@pytest.mark.parametrize(
    ("item", "fields"),
    [
        (workflow(template_key="bye"), ["steps[0].template_key"]),
        (workflow(channel="email"), ["steps[0].template_key"]),
        (Workflow(name="a", template_group="none"), ["template_group"]),
        (TemplateGroup(key="a", templates={"sms": "x", "email": "y"}), ["templates.email", "templates.sms"]),
    ],
)
def test_what_is_named_must_be_there(library: Library, item: Item, fields: list[str]) -> None:
    """A workflow or group that names a template or group that isn't there is refused, and not stored."""
    library.catalog.put("acme", sms())
    with pytest.raises(InvalidValue) as caught:
        library.catalog.put("acme", item)
    assert [caught.value.field, *(error.field for error in caught.value.others)] == fields
    with pytest.raises(NotFound):
        read(library, "acme", item)


def test_a_lists_cursor_is_for_that_list(library: Library) -> None:
    """A cursor of another list, or none at all, is refused; so is a limit out of bounds."""
    for name in ("a", "b"):
        library.catalog.put("acme", ContactList(name=name, contacts=("x", "y")))
    cursor = library.catalog.list("acme", "a", limit=1).pagination.next_cursor
    for wrong in (cursor, "x", ""):
        with pytest.raises(InvalidValue, match="cursor"):
            library.catalog.list("acme", "b", cursor=wrong)
    for limit in (0, 201):
        with pytest.raises(InvalidValue, match="limit"):
            library.catalog.list("acme", "a", limit=limit)


def test_a_replaced_list_leaves_no_members(library: Library) -> None:
    """A list's earlier members are gone once it was replaced."""
    for contacts in (("x", "y"), ("z",), ()):
        library.catalog.put("acme", ContactList(name="a", contacts=contacts))
        assert library.catalog.list("acme", "a").contacts == contacts
    assert library.store.table("select count(*) from list_members", {})[1] == [(0,)]
