"""What the catalog's items say and refuse, without a store."""

import doctest
from importlib import import_module
from typing import Any

import email_validator
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_core import _addresses
from trigger_core.catalog import Contact, ContactList, Template, TemplateGroup, Workflow, from_json
from trigger_core.errors import InvalidValue

MODULES = ("catalog", "_catalog", "_ids", "_addresses", "_json", "_segments", "imports")


@pytest.mark.parametrize("name", MODULES)
def test_examples_answer_what_they_show(name: str) -> None:
    """Each docstring's example gives the output that it shows."""
    assert doctest.testmod(import_module(f"trigger_core.{name}"), raise_on_error=True).failed == 0


local = st.text("abcXYZ019._+-", min_size=1, max_size=70)
domain = st.sampled_from(
    ("example.org", "EXAMPLE.org", "a.test", "x", "xn--exmple-cua.de", "-a.org", "a..org", "l." * 120 + "org")
)


@given(local, domain | st.text("ab.-X", max_size=9))
def test_the_quick_check_of_addresses_is_the_whole_check(local: str, domain: str) -> None:
    """Looking at local part and domain apart gives what looking at the whole address gives."""
    address = f"{local}@{domain}"
    try:
        expected = email_validator.validate_email(address, check_deliverability=False).normalized
    except email_validator.EmailNotValidError:
        expected = None
    assert _addresses.email(address) == expected


def test_variants_are_in_order_of_country() -> None:
    """Variants are kept by country, the one for everywhere else last."""
    variants = [{"approved": True, "text": "a", "country": country} for country in (None, "US", "DE")]
    found = Template(key="a", channel="sms", variants=variants).variants  # type: ignore[arg-type]
    assert [variant.country for variant in found] == ["DE", "US", None]


@pytest.mark.parametrize(
    ("cls", "values", "fields"),
    [
        (Contact, {}, ["external_id"]),
        (Contact, {"external_id": "", "email": 1, "country": "in"}, ["external_id", "email", "country"]),
        (Contact, {"external_id": "a", "opted_out": ["fax"]}, ["opted_out"]),
        (Contact, {"external_id": "a", "opted_out": "sms"}, ["opted_out"]),
        (Contact, {"external_id": "a", "attributes": {"a": None}}, ["attributes.a"]),
        (
            Contact,
            {"external_id": "a", "attributes": {"a": 1, "b": [], "c": {}}},
            ["attributes.b", "attributes.c"],
        ),
        (Contact, {"external_id": "a", "attributes": {"a": float("inf")}}, ["attributes.a"]),
        (
            Contact,
            {"external_id": "a", "attributes": {"a": 1e16, "b": -1e-5, "c": 1e15, "d": 1e-4}},
            ["attributes.a", "attributes.b"],
        ),
        (Contact, {"external_id": "a", "attributes": {"a": 2**53}}, ["attributes.a"]),
        (Contact, {"external_id": "a", "attributes": {"a": "x" * 16_380}}, ["attributes"]),
        (Contact, {"external_id": "a", "colour": 1, "shade": 2}, ["colour", "shade"]),
        (Contact, [], [""]),
        (Template, {"key": "a", "channel": "fax", "variants": []}, ["channel", "variants"]),
        (
            Template,
            {"key": "a", "channel": "sms", "variants": [{"text": ""}, 1]},
            ["variants[0].approved", "variants[0].text", "variants[1]"],
        ),
        (TemplateGroup, {"key": "a", "templates": {}}, ["templates"]),
        (TemplateGroup, {"key": "a", "templates": {"fax": "a"}}, ["templates.fax"]),
        (
            TemplateGroup,
            {"key": "a", "templates": {"fax": "a", "sms": 1, "email": "b", "telex": 2}},
            ["templates.fax", "templates.sms", "templates.telex"],
        ),
        (Workflow, {"name": "a"}, ["steps"]),
        (Workflow, {"name": "a", "steps": [], "template_group": "g"}, ["steps"]),
        (ContactList, {"name": "a", "contacts": "user_1"}, ["contacts"]),
        (
            ContactList,
            {"name": "a", "contacts": ["a", 1, "b", None, ""]},
            [f"contacts[{n}]" for n in (1, 3, 4)],
        ),
    ],
)
def test_every_field_that_is_wrong_is_named(cls: Any, values: Any, fields: list[str]) -> None:
    """What isn't an item is refused with the name of each field that is wrong."""
    with pytest.raises(InvalidValue) as caught:
        from_json(values, cls)
    assert [caught.value.field, *(error.field for error in caught.value.others)] == fields


def variant(**members: Any) -> dict[str, Any]:
    return {"approved": True, "text": "a", **members}


@pytest.mark.parametrize(
    ("channel", "variants", "field"),
    [
        ("sms", [variant(subject="a")], "variants[0].subject"),
        ("email", [variant()], "variants[0].subject"),
        ("whatsapp", [variant(price_per="segment")], "variants[0].price_per"),
        ("sms", [variant(text="a" * 1601)], "variants[0].text"),
        ("sms", [variant(text="{{a b}}")], "variants[0].text"),
        ("sms", [variant(text="{{a")], "variants[0].text"),
        ("sms", [variant(price="0.0000001")], "variants[0].price"),
        ("sms", [variant(price="-1")], "variants[0].price"),
        ("sms", [variant(), variant()], "variants"),
        ("sms", [variant(country="US"), variant(country="US")], "variants"),
    ],
)
def test_a_variant_fits_its_channel(channel: str, variants: list[Any], field: str) -> None:
    """A variant that can't be of its channel, or repeats a country, is refused."""
    with pytest.raises(InvalidValue) as caught:
        Template(key="a", channel=channel, variants=variants)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_steps_are_in_their_order() -> None:
    """Steps without an order are in that of the list; those with one are sorted by it; none may be repeated."""
    step = {"step_name": "", "channel": "sms", "template_key": "a"}
    made = Workflow(name="a", steps=[step | {"step_id": "x"}, step | {"step_id": "y"}]).steps  # type: ignore[arg-type]
    assert [(each.step_id, each.step_order) for each in made or ()] == [("x", 1), ("y", 2)]
    steps = [step | {"step_id": "x", "step_order": 9}, step | {"step_id": "y", "step_order": 3}]
    assert [each.step_id for each in Workflow(name="a", steps=steps).steps or ()] == ["y", "x"]  # type: ignore[arg-type]
    for repeated in ({"step_id": "x", "step_order": 3}, {"step_id": "z", "step_order": 9}):
        with pytest.raises(InvalidValue, match="must not repeat"):
            Workflow(name="a", steps=[*steps, step | repeated])  # type: ignore[arg-type]
