"""What can be sent, and to whom: contacts, lists, templates, template groups and workflows.

An item is checked and normalised when it is made. ``library.catalog`` stores it over the one of its name, and reads it
back.

>>> import trigger_core
>>> with trigger_core.open(":memory:") as library:
...     stored = library.catalog.put("acme", Contact(external_id="user_123", phone_number="+91 84894 62530"))
...     stored == library.catalog.contact("acme", "user_123")
...     stored.phone_number, stored.country
True
('+918489462530', 'IN')

Members called read-only are set by ``put`` and None before; whatever is handed in there is ignored, so what was read
can be changed and put again.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, TypeVar

import attrs
from attrs import evolve, field, frozen

from trigger_core._segments import segments
from trigger_core.answers import Page
from trigger_core.errors import InvalidValue
from trigger_core.facts import CHANNELS, checked, checking, choice, money, text, whole

__all__ = [
    "Contact",
    "ContactList",
    "Item",
    "ListPage",
    "Template",
    "TemplateGroup",
    "TemplateVariant",
    "Workflow",
    "WorkflowStep",
    "from_json",
    "to_json",
]

_Item = TypeVar("_Item")
_Value = TypeVar("_Value")

_COUNTRY: Final = re.compile("[A-Z]{2}")
_CURRENCY: Final = re.compile("[A-Z]{3}")
_VARIABLE: Final = re.compile(r"\{\{ *([A-Za-z_][A-Za-z0-9_]{0,99}) *\}\}")
_MOST: Final = {"email": 500_000, "sms": 1600, "whatsapp": 4096}
_MAX_DELAY: Final = 60 * 24 * 366 * 10
_SAFE_INTEGER: Final = 2**53 - 1
_MAX_ATTRIBUTES: Final = 16_384


def _country(value: object, name: str) -> str:
    if not isinstance(value, str) or not _COUNTRY.fullmatch(value):
        raise InvalidValue(name, "must be a code of two capital letters, such as IN")
    return value


def _currency(value: object, name: str) -> str:
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise InvalidValue(name, "must be a code of three capital letters, such as USD")
    return value


def _truth(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue(name, "must be true or false")
    return value


def _price(value: object, name: str) -> Decimal:
    # a number of JSON that was parsed as a float: its shortest text is what was written
    return money(repr(value) if isinstance(value, float) else value, name)


def _channels(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidValue(name, "must be a list of channels")
    chosen = {choice(channel, name, CHANNELS) for channel in value}
    return tuple(channel for channel in CHANNELS if channel in chosen)


def _attributes(value: object, name: str) -> dict[str, str | int | float | bool]:
    if not isinstance(value, Mapping):
        raise InvalidValue(name, "must be an object")
    keys = [text(key, name, 100) for key in value]
    found = dict(zip(keys, _each(_attribute, ((f"{name}.{key}", value[key]) for key in keys)), strict=True))
    if len(json.dumps(found, ensure_ascii=False)) > _MAX_ATTRIBUTES:
        raise InvalidValue(name, f"must have at most {_MAX_ATTRIBUTES} characters as JSON")
    return found


def _attribute(value: object, name: str) -> str | int | float | bool:
    if isinstance(value, str):
        return text(value, name, _MAX_ATTRIBUTES, 0)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return whole(value, name, -_SAFE_INTEGER, _SAFE_INTEGER)
    if isinstance(value, float | Decimal) and math.isfinite(number := float(value)):
        if "e" in repr(
            number
        ):  # engines write it in ways of their own, so that a text's segments are not known
            raise InvalidValue(name, "must be text where it is so small or large that it needs an exponent")
        return number
    raise InvalidValue(name, "must be text, a finite number, true or false")


def _template_keys(value: object, name: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or not value:
        raise InvalidValue(name, "must be an object with a template key for each of one or more channels")

    def check(key: object, inside: str) -> str:
        if key not in CHANNELS:
            raise InvalidValue(inside, f"is not a channel; channels are {', '.join(CHANNELS)}")
        return text(value[key], inside, 200)

    keys = _each(check, ((f"{name}.{key}", key) for key in value))
    found = dict(zip(value, keys, strict=True))
    return {channel: found[channel] for channel in CHANNELS if channel in found}


def _external_ids(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, Iterable) or isinstance(value, str | Mapping):
        raise InvalidValue(name, "must be a list of external ids")
    return tuple(sorted(set(_texts(value, name))))


def _texts(values: Iterable[object], name: str) -> list[str]:
    """The texts of a list, each of 1 to 200 characters."""
    return _each(lambda value, inside: text(value, inside, 200), _places(values, name))


def _places(values: Iterable[_Value], name: str) -> Iterator[tuple[str, _Value]]:
    return ((f"{name}[{index}]", value) for index, value in enumerate(values))


def _several(cls: type[_Item], most: int) -> Callable[[object, str], tuple[_Item, ...]]:
    """A check for a list of one to ``most`` items of a class, each an instance or an object."""

    def check(value: object, name: str) -> tuple[_Item, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str) or not 1 <= len(value) <= most:
            raise InvalidValue(name, f"must be a list of 1 to {most}")
        return tuple(_each(item, _places(value, name)))

    def item(value: object, name: str) -> _Item:
        if isinstance(value, cls):
            return value
        try:
            return from_json(value, cls)
        except InvalidValue as error:
            raise InvalidValue.of(_within(name, one) for one in error.all) from None

    return check


def _each(check: Callable[[Any, str], _Value], named: Iterable[tuple[str, object]]) -> list[_Value]:
    """Values that go through ``check`` by their names; all that is wrong with any of them is raised at once."""
    errors: list[InvalidValue] = []
    found = []
    for name, value in named:
        try:
            found.append(check(value, name))
        except InvalidValue as error:
            errors += error.all
    if errors:
        raise InvalidValue.of(errors)
    return found


def _within(name: str, error: InvalidValue) -> InvalidValue:
    return InvalidValue(f"{name}.{error.field}" if error.field else name, error.problem)


def _read_only() -> Any:
    return field(default=None, metadata={"read_only": True})


@frozen(kw_only=True, field_transformer=checking)
class Contact:
    """Somebody who can be reached.

    Attributes:
        external_id: what the host calls them.
        email: their address. One that can't be an address is kept, too: sending to it is filtered, with a reason.
        phone_number: with its country code, or as it is dialled within ``country``; stored as E.164.
        country: ISO 3166-1 alpha-2. Where it isn't given, that of the phone number.
        opted_out: the channels that they want nothing on. A list, even an empty one, replaces what is recorded; None
            leaves it. Whoever unsubscribes or complains after the list was put is out of that channel again.
        attributes: values for the variables of templates: texts, numbers and truth values.
        email_valid: read-only; whether ``email`` is an address.
        phone_number_valid: read-only; whether ``phone_number`` is one.

    >>> Contact(external_id="user_1", email="a@example.org", opted_out=["sms"], attributes={"first_name": "Ada"})
    ... # doctest: +ELLIPSIS
    Contact(external_id='user_1', email='a@example.org', phone_number=None, country=None, opted_out=('sms',), ...)
    """

    external_id: str = field(metadata=checked(text, 200))
    email: str | None = field(default=None, metadata=checked(text, 320))
    phone_number: str | None = field(default=None, metadata=checked(text, 50))
    country: str | None = field(default=None, metadata=checked(_country))
    opted_out: tuple[str, ...] | None = field(default=None, metadata=checked(_channels))
    attributes: dict[str, str | int | float | bool] = field(
        default=attrs.Factory(dict), hash=False, metadata=checked(_attributes)
    )
    email_valid: bool | None = _read_only()
    phone_number_valid: bool | None = _read_only()


@frozen(kw_only=True, field_transformer=checking)
class TemplateVariant:
    """What a template says in one country, or wherever it has no other variant.

    Attributes:
        country: ISO 3166-1 alpha-2; None for every country that has no approved variant of its own.
        approved: whether it may be sent.
        subject: for e-mail, and for e-mail only.
        text: what is sent, with ``{{variables}}``. An e-mail's that begins with ``<!doctype html`` or ``<html`` is a
            page, in which values are escaped.
        price: what a message costs, or each of its segments, with at most six decimals.
        price_per: ``message``, or for SMS ``segment``.
        id: read-only; each replacement has new ones, so what an id stands for never changes.
        variables: read-only; which variables subject and text use, sorted.
        segments: read-only; how many SMS segments the text takes, where it has no variables.

    >>> TemplateVariant(approved=True, text="Hello {{ first_name }}", price="0.0300").price
    Decimal('0.030000')
    """

    country: str | None = field(default=None, metadata=checked(_country))
    approved: bool = field(metadata=checked(_truth))
    subject: str | None = field(default=None, metadata=checked(text, 1000))
    text: str = field(metadata=checked(text, _MOST["email"]))
    price: Decimal = field(default=Decimal(0), metadata=checked(_price))
    price_per: str = field(default="message", metadata=checked(choice, ("message", "segment")))
    id: str | None = _read_only()
    variables: tuple[str, ...] | None = _read_only()
    segments: int | None = _read_only()


def _problems(variant: TemplateVariant, channel: str) -> Iterable[InvalidValue]:
    """What is wrong with a variant on a channel."""
    if (variant.subject is not None) != (channel == "email"):
        yield InvalidValue("subject", f"is {'needed' if variant.subject is None else 'not'} for {channel}")
    if variant.price_per == "segment" and channel != "sms":
        yield InvalidValue("price_per", f"must be message: {channel} has no segments")
    if len(variant.text) > _MOST[channel]:
        yield InvalidValue("text", f"must have at most {_MOST[channel]} characters for {channel}")
    for name in ("subject", "text"):
        rest = _VARIABLE.sub("", getattr(variant, name) or "")
        if "{{" in rest or "}}" in rest:
            yield InvalidValue(name, "has braces that hold no variable; variables are like {{first_name}}")


@frozen(kw_only=True, field_transformer=checking)
class Template:
    """What is sent under a key on a channel.

    Attributes:
        key: its name, which templates of several channels may share.
        channel: ``email``, ``sms`` or ``whatsapp``.
        variants: by country, at most one for each; the one for everywhere else comes last.
        currency: of the prices, and of the account. Needed where a price isn't 0 and the account's isn't known yet.

    >>> Template(
    ...     key="otp_us",
    ...     channel="sms",
    ...     currency="USD",
    ...     variants=[{"country": "US", "approved": True, "text": "Your code: {{code}}", "price": "0.0075"}],
    ... ).variants[0].country
    'US'
    """

    key: str = field(metadata=checked(text, 200))
    channel: str = field(metadata=checked(choice, CHANNELS))
    variants: tuple[TemplateVariant, ...] = field(metadata=checked(_several(TemplateVariant, 300)))
    currency: str | None = field(default=None, metadata=checked(_currency))

    def __attrs_post_init__(self) -> None:
        if errors := [
            _within(f"variants[{index}]", error)
            for index, variant in enumerate(self.variants)
            for error in _problems(variant, self.channel)
        ]:
            raise InvalidValue.of(errors)
        if len({variant.country for variant in self.variants}) < len(self.variants):
            raise InvalidValue("variants", "must not repeat a country, nor have two without one")
        ordered = sorted(self.variants, key=lambda variant: (variant.country is None, variant.country))
        object.__setattr__(self, "variants", tuple(ordered))

    def described(self) -> Template:
        """The same with each variant's variables and segments, and without ids."""
        return evolve(self, variants=tuple(_described(variant, self.channel) for variant in self.variants))


def _described(variant: TemplateVariant, channel: str) -> TemplateVariant:
    variables = sorted(set(_VARIABLE.findall(f"{variant.subject or ''}\n{variant.text}")))
    size = segments(variant.text) if channel == "sms" and not variables else None
    return evolve(variant, id=None, variables=tuple(variables), segments=size)


@frozen(kw_only=True, field_transformer=checking)
class TemplateGroup:
    """Templates that a workflow sends side by side.

    Attributes:
        key: its name.
        templates: for each of its channels the key of a template of that channel.
        id: read-only; stays when the group is replaced.

    >>> TemplateGroup(key="otp", templates={"sms": "otp_us", "email": "otp_mail"}).templates
    {'email': 'otp_mail', 'sms': 'otp_us'}
    """

    key: str = field(metadata=checked(text, 200))
    templates: dict[str, str] = field(hash=False, metadata=checked(_template_keys))
    id: str | None = _read_only()


@frozen(kw_only=True, field_transformer=checking)
class WorkflowStep:
    """One step of a workflow.

    Attributes:
        step_id: its name within the workflow.
        step_name: what people call it.
        channel: what it sends on.
        template_key: a template of that channel.
        delay_minutes: when it is due, counted from the workflow's start.
        step_order: its place; where it isn't given, that in the list.

    >>> WorkflowStep(step_id="step-1", step_name="Welcome", channel="email", template_key="hi").delay_minutes
    0
    """

    step_id: str = field(metadata=checked(text, 200))
    step_name: str = field(metadata=checked(text, 200, 0))
    channel: str = field(metadata=checked(choice, CHANNELS))
    template_key: str = field(metadata=checked(text, 200))
    delay_minutes: int = field(default=0, metadata=checked(whole, 0, _MAX_DELAY))
    step_order: int | None = field(default=None, metadata=checked(whole, 0))


@frozen(kw_only=True, field_transformer=checking)
class Workflow:
    """What is run under a name: steps one after another, or a template group's channels side by side.

    Attributes:
        name: its name.
        steps: what it goes through, in order; None where it has a template group.
        template_group: the group's key; None where it has steps.
        id: read-only; stays when the workflow is replaced.

    >>> Workflow(name="Multi-Channel OTP", template_group="otp").steps is None
    True
    """

    name: str = field(metadata=checked(text, 200))
    steps: tuple[WorkflowStep, ...] | None = field(default=None, metadata=checked(_several(WorkflowStep, 50)))
    template_group: str | None = field(default=None, metadata=checked(text, 200))
    id: str | None = _read_only()

    def __attrs_post_init__(self) -> None:
        if (self.steps is None) == (self.template_group is None):
            raise InvalidValue("steps", "or template_group must be given, and not both")
        steps = [
            evolve(step, step_order=place if step.step_order is None else step.step_order)
            for place, step in enumerate(self.steps or (), 1)
        ]
        for name in ("step_id", "step_order"):
            if len({getattr(step, name) for step in steps}) < len(steps):
                raise InvalidValue("steps", f"must not repeat a {name}")
        if steps:
            object.__setattr__(self, "steps", tuple(sorted(steps, key=lambda step: step.step_order or 0)))


@frozen(kw_only=True, field_transformer=checking)
class ContactList:
    """An audience with a name.

    Attributes:
        name: its name.
        contacts: external ids, each once, sorted. There need not be such contacts yet: whoever isn't one when the
            list is sent to is filtered, as unknown_contact.

    >>> ContactList(name="everyone", contacts=["user_2", "user_1", "user_2"]).contacts
    ('user_1', 'user_2')
    """

    name: str = field(metadata=checked(text, 200))
    contacts: tuple[str, ...] = field(metadata=checked(_external_ids))


@frozen(kw_only=True)
class ListPage:
    """Some of the contacts of a list, by external id; ``pagination.total`` counts them all."""

    name: str
    contacts: tuple[str, ...]
    pagination: Page


Item = Contact | ContactList | Template | TemplateGroup | Workflow


def to_json(item: object) -> dict[str, Any]:
    """The JSON object of an item, as the API shows it.

    >>> to_json(TemplateGroup(key="otp", templates={"sms": "otp_us"}))
    {'key': 'otp', 'templates': {'sms': 'otp_us'}, 'id': None}
    """
    from trigger_core import answers

    shown: dict[str, Any] = answers.to_json(item)
    return shown


def from_json(
    values: object, cls: type[_Item], *, implied: Mapping[str, object] = MappingProxyType({})
) -> _Item:
    """The item of class ``cls`` that a parsed JSON object describes.

    Args:
        values: the object.
        cls: the class.
        implied: members that are known otherwise, so that the object must not have them.

    Raises:
        InvalidValue: something is missing, unknown or wrong; its ``others`` name the rest.

    >>> from_json({"key": "otp", "templates": {}, "colour": "red"}, TemplateGroup)
    Traceback (most recent call last):
    trigger_core.errors.InvalidValue: colour: is not a known field; known are key, templates, id
    """
    if not isinstance(values, Mapping):
        raise InvalidValue("", "must be an object")
    members = {
        member.name: member
        for member in attrs.fields(cls)  # type: ignore[arg-type]
        if member.name not in implied
    }
    given = {
        name: value
        for name, value in values.items()
        if name not in members or not members[name].metadata.get("read_only")
    }
    errors = [
        InvalidValue(str(name), f"is not a known field; known are {', '.join(members) or 'none'}")
        for name in given
        if name not in members
    ]
    for name, member in members.items():
        if name not in given:
            if member.default is attrs.NOTHING:
                errors.append(InvalidValue(name, "is missing"))
        elif member.converter is not None:
            try:
                given[name] = member.converter(given[name], None, member)
            except InvalidValue as error:
                errors += error.all
    if errors and (also := getattr(cls, "_also_wrong", None)) is not None:
        named = {error.field for error in errors}
        errors += [error for error in also(given) if error.field not in named]
    if errors:
        raise InvalidValue.of(errors)
    return cls(**given, **implied)
