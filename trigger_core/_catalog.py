"""The catalog of a store: items in, items out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any, Final, TypeVar, cast

from attrs import evolve

from trigger_core import _addresses, _lists, facts
from trigger_core._ids import contact_id, new_id, storable
from trigger_core._record import name_currency
from trigger_core._rows import naive
from trigger_core.answers import Page
from trigger_core.catalog import (
    Contact,
    ContactList,
    Item,
    ListPage,
    Template,
    TemplateGroup,
    TemplateVariant,
    Workflow,
    WorkflowStep,
)
from trigger_core.errors import InvalidValue, NotFound
from trigger_core.facts import CHANNELS
from trigger_core.store import Row, Session, Store, settled

Stored = TypeVar("Stored", bound=Item)


class Catalog:
    """What an account can send, and to whom; ``library.catalog`` is one.

    What an item names must be there: a template group's templates, and a workflow's templates or template group. A
    list may name contacts that aren't there yet.

    >>> import trigger_core
    >>> from trigger_core.catalog import Template, TemplateVariant
    >>> with trigger_core.open(":memory:") as library:
    ...     hello = TemplateVariant(approved=True, text="Hello {{first_name}}")
    ...     stored = library.catalog.put("acme", Template(key="hello", channel="whatsapp", variants=[hello]))
    ...     library.catalog.template("acme", "hello", "whatsapp") == stored
    ...     stored.variants[0].variables
    True
    ('first_name',)
    """

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def put(self, account: str, item: Stored) -> Stored:
        """Stores an item over the one of its name, durably.

        A contact that doesn't say its opt-outs keeps those that are recorded. A template that is as it was before
        keeps its variants and their ids; otherwise all of them are new.

        Args:
            account: the tenant.
            item: a contact, list, template, template group or workflow.

        Returns:
            The item as it is stored: addresses normalised, read-only members filled in.

        Raises:
            InvalidValue: it names something that isn't there, or another currency than the account's.
            MissingExtra: an address needs the extra ``send`` to be checked.
            StoreUnavailable: nothing was stored; try again.
        """
        return self.replace(account, item)[0]

    def replace(self, account: str, item: Stored) -> tuple[Stored, bool]:
        """Like ``put``; also tells whether there was nothing of that name before."""
        facts.text(account, "account", 200)
        ready = checked(item) if isinstance(item, Contact) else item
        put = cast(Any, _PUT[type(item)])

        def store() -> tuple[Stored, bool]:
            with self._writing(account) as session:
                stored: tuple[Stored, bool] = put(session, account, ready, self._now())
                return stored

        return settled(store)

    @contextmanager
    def _writing(self, account: str) -> Iterator[Session]:
        """A write transaction that has an account's catalog to itself."""
        with self._store.write() as session:
            session.run("account_insert", account=account)
            session.guard("account_lock", account=account)
            yield session

    def _reading(self, account: str) -> AbstractContextManager[Session]:
        """A read transaction, where there may be such an account."""
        storable(account)
        return self._store.read()

    def contact(self, account: str, external_id: str) -> Contact:
        """A contact.

        Raises:
            NotFound: the account has no such contact.
        """
        with self._reading(account) as session:
            return _found(_contact(session, account, external_id))

    def template(self, account: str, key: str, channel: str) -> Template:
        """A template, with the variants that are in use.

        Raises:
            NotFound: the account has no template of that key for that channel.
        """
        with self._reading(account) as session:
            return _found(_template(session, account, key, channel))

    def template_group(self, account: str, key: str) -> TemplateGroup:
        """A template group.

        Raises:
            NotFound: the account has no such group.
        """
        with self._reading(account) as session:
            return _found(_template_group(session, account, key))

    def workflow(self, account: str, name: str) -> Workflow:
        """A workflow.

        Raises:
            NotFound: the account has no such workflow.
        """
        with self._reading(account) as session:
            return _found(_workflow(session, account, name))

    def list(self, account: str, name: str, *, limit: int = 50, cursor: str | None = None) -> ListPage:
        """A page of a list's contacts, by external id.

        Args:
            account: the tenant.
            name: the list.
            limit: at most so many, 1 to 200.
            cursor: the ``next_cursor`` of the page before. Where the list was replaced since, it goes on behind the
                same external id.

        Raises:
            NotFound: the account has no such list.
            InvalidValue: an argument is none of what is allowed.
        """
        facts.whole(limit, "limit", 1, 200)
        bound: list[object] = ["list", account, name]
        after = "" if cursor is None else facts.text(_lists._read_cursor(cursor, bound, 1)[0], "cursor", 200)
        with self._reading(account) as session:
            rows = session.rows("catalog_list", account=account, name=storable(name))
            if not rows:
                raise NotFound
            [(list_id, total)] = rows
            found = session.rows(
                "catalog_list_members", account=account, list_id=str(list_id), after=after, limit=limit + 1
            )
        members = tuple(row[0] for row in found[:limit])
        next_cursor = _lists._cursor([members[-1]], bound) if len(found) > limit else None
        return ListPage(
            name=name,
            contacts=members,
            pagination=Page(limit=limit, next_cursor=next_cursor, total=total),
        )

    def put_contacts(self, account: str, contacts: Iterable[Contact]) -> None:
        """Stores contacts, all of them durably, or none; of several with one external_id the last.

        Raises:
            MissingExtra: an address needs the extra ``send`` to be checked.
            StoreUnavailable: nothing was stored; try again.
        """
        facts.text(account, "account", 200)
        self.put_rows(account, [contact_row(account, contact) for contact in contacts])

    def put_rows(self, account: str, rows: Iterable[Sequence[Any]]) -> None:
        """Stores contacts as ``contact_row`` lays them out."""
        last: dict[str, Sequence[Any]] = {}
        for row in rows:
            last[row[1]] = _over(last.get(row[1]), row)
        if not last:
            return

        def store() -> None:
            with self._writing(account) as session:
                _store_contacts(session, [*last.values()], self._now())

        settled(store)

    def put_members(self, account: str, name: str, chunks: Iterable[Sequence[str]]) -> int:
        """Stores a list whose members are too many for memory; tells how many they are, each counted once."""
        facts.text(account, "account", 200)
        facts.text(name, "name", 200)
        with self._writing(account) as session:
            return _store_list(session, account, name, chunks)[0]


def _found(item: Stored | None) -> Stored:
    if item is None:
        raise NotFound
    return item


# Contacts


_Reached = tuple[str | None, bool, str | None, bool, str | None]
"""An e-mail address and whether it is one, a phone number and whether it is one, and the country."""


def checked(contact: Contact) -> Contact:
    """A contact with its addresses looked at: normalised, or known to be none."""
    email, email_valid, number, number_valid, country = _reached(contact)
    return evolve(
        contact,
        email=email,
        email_valid=email_valid,
        phone_number=number,
        phone_number_valid=number_valid,
        country=country,
    )


def _reached(contact: Contact) -> _Reached:
    email = contact.email and _addresses.email(contact.email)
    number, country = None, None
    if contact.phone_number is not None:
        number, country = _addresses.phone_number(contact.phone_number, contact.country)
    return (
        email or contact.email,
        bool(email),
        number or contact.phone_number,
        number is not None,
        contact.country or country,
    )


def contact_row(account: str, contact: Contact) -> Row:
    """A contact as it is staged, its addresses looked at; opt-outs that it doesn't say are None."""
    return _contact_row(account, contact, _reached(contact))


def _contact_row(account: str, contact: Contact, reached: _Reached) -> Row:
    said = contact.opted_out
    return (
        account,
        contact_id(account, contact.external_id),
        contact.external_id,
        *reached,
        *((None,) * len(CHANNELS) if said is None else (channel in said for channel in CHANNELS)),
        json.dumps(contact.attributes, ensure_ascii=False, separators=(",", ":"))
        if contact.attributes
        else None,
    )


def _over(before: Sequence[Any] | None, row: Sequence[Any]) -> Sequence[Any]:
    """A staged contact over an earlier one of the same call, whose opt-outs it keeps if it says none."""
    if before is None or row[8] is not None:
        return row
    return (*row[:8], *before[8:11], *row[11:])


def _store_contacts(session: Session, rows: Sequence[Sequence[Any]], now: datetime) -> None:
    said_at = naive(now)
    session.append("staged_contacts", [(*row, None if row[8] is None else said_at) for row in rows])
    session.run("catalog_contacts_put")
    session.clear("staged_contacts")


def _put_contact(session: Session, account: str, item: Contact, now: datetime) -> tuple[Contact, bool]:
    before = _contact(session, account, item.external_id)
    reached = (
        item.email,
        bool(item.email_valid),
        item.phone_number,
        bool(item.phone_number_valid),
        item.country,
    )
    _store_contacts(session, [_contact_row(account, item, reached)], now)
    if item.opted_out is None:
        item = evolve(item, opted_out=before.opted_out if before else ())
    return item, before is None


def _contact(session: Session, account: str, external_id: str) -> Contact | None:
    rows = session.rows(
        "catalog_contact", account=account, contact_id=contact_id(account, storable(external_id))
    )
    if not rows:
        return None
    [(name, email, email_valid, number, number_valid, country, *opted, attributes)] = rows
    return Contact(
        external_id=name,
        email=email,
        phone_number=number,
        country=country,
        opted_out=tuple(channel for channel, out in zip(CHANNELS, opted, strict=True) if out),
        attributes=json.loads(attributes or "{}"),
        email_valid=email_valid,
        phone_number_valid=number_valid,
    )


# Templates


def _put_template(session: Session, account: str, item: Template, now: datetime) -> tuple[Template, bool]:
    new = evolve(item.described(), currency=_currency(session, account, item))
    before = _template(session, account, item.key, item.channel)
    if before is not None:
        if before.described() == new:
            return before, False
        session.run(
            "catalog_template_retire",
            account=account,
            template_key=item.key,
            channel=item.channel,
            now=naive(now),
        )
    new = evolve(new, variants=tuple(evolve(variant, id=new_id()) for variant in new.variants))
    session.append(
        "template_variants", [_variant_row(account, new, variant, now) for variant in new.variants]
    )
    return new, before is None


def _currency(session: Session, account: str, item: Template) -> str | None:
    """The account's currency, which becomes the template's where none is known."""
    known = _known_currency(session, account)
    if known is None and item.currency is not None:
        name_currency(session, account, item.currency)
        return item.currency
    if known is None and any(variant.price for variant in item.variants):
        raise InvalidValue("currency", "is missing: the account has none yet, and there is a price")
    if item.currency not in (None, known):
        raise InvalidValue("currency", f"must be {known}, the currency of this account")
    return known


def _variant_row(account: str, template: Template, variant: TemplateVariant, now: datetime) -> Row:
    return (
        account,
        variant.id,
        template.key,
        template.channel,
        variant.country,
        variant.approved,
        variant.subject,
        variant.text,
        ",".join(variant.variables or ()),
        variant.segments,
        variant.price,
        variant.price_per,
        naive(now),
        None,
    )


def _template(session: Session, account: str, key: str, channel: str) -> Template | None:
    rows = session.rows(
        "catalog_template", account=account, template_key=storable(key), channel=storable(channel)
    )
    if not rows:
        return None
    variants = tuple(
        TemplateVariant(
            country=country,
            approved=approved,
            subject=subject,
            text=text,
            price=price,
            price_per=price_per,
            id=str(variant_id),
            variables=tuple(variables.split(",")) if variables else (),
            segments=segments,
        )
        for variant_id, country, approved, subject, text, variables, segments, price, price_per in rows
    )
    return Template(key=key, channel=channel, variants=variants, currency=_known_currency(session, account))


def _known_currency(session: Session, account: str) -> str | None:
    currencies: dict[str, str | None] = dict(session.rows("account_currencies", accounts=[account]))
    return currencies.get(account)


def _check_templates(session: Session, account: str, named: Sequence[tuple[str, str, str]]) -> None:
    """Refuses templates that aren't there, given as field, channel and key."""
    keys = sorted({key for _, _, key in named})
    known = set(session.rows("catalog_templates_known", account=account, template_keys=keys))
    errors = [
        InvalidValue(field, f"names no {channel} template of this account: put that first")
        for field, channel, key in named
        if (channel, key) not in known
    ]
    if errors:
        raise InvalidValue.of(errors)


# Template groups and workflows


def _put_template_group(
    session: Session, account: str, item: TemplateGroup, _now: datetime
) -> tuple[TemplateGroup, bool]:
    named = [(f"templates.{channel}", channel, key) for channel, key in item.templates.items()]
    _check_templates(session, account, named)
    before = _template_group(session, account, item.key)
    group_id = new_id() if before is None else before.id
    session.run(
        "catalog_template_group_put",
        account=account,
        template_group_key=item.key,
        template_group_id=group_id,
        **{channel: item.templates.get(channel) for channel in CHANNELS},
    )
    return evolve(item, id=group_id), before is None


def _template_group(session: Session, account: str, key: str) -> TemplateGroup | None:
    rows = session.rows("catalog_template_group", account=account, template_group_key=storable(key))
    if not rows:
        return None
    [(group_id, *keys)] = rows
    templates = {channel: name for channel, name in zip(CHANNELS, keys, strict=True) if name is not None}
    return TemplateGroup(key=key, templates=templates, id=str(group_id))


def _put_workflow(session: Session, account: str, item: Workflow, _now: datetime) -> tuple[Workflow, bool]:
    steps = item.steps or ()
    if item.template_group is None:
        named = [
            (f"steps[{index}].template_key", step.channel, step.template_key)
            for index, step in enumerate(steps)
        ]
        _check_templates(session, account, named)
    elif _template_group(session, account, item.template_group) is None:
        raise InvalidValue("template_group", "names no template group of this account: put that first")
    before = session.rows("catalog_workflow", account=account, name=item.name)
    workflow_id = str(before[0][0]) if before else new_id()
    session.run(
        "catalog_workflow_put",
        account=account,
        name=item.name,
        workflow_id=workflow_id,
        template_group_key=item.template_group,
    )
    session.run("catalog_workflow_steps_delete", account=account, workflow_id=workflow_id)
    if steps:
        session.append("workflow_steps", [_step_row(account, workflow_id, step) for step in steps])
    return evolve(item, id=workflow_id), not before


def _step_row(account: str, workflow_id: str, step: WorkflowStep) -> Row:
    return (
        account,
        workflow_id,
        step.step_order,
        step.step_id,
        step.step_name,
        step.channel,
        step.template_key,
        step.delay_minutes,
    )


def _workflow(session: Session, account: str, name: str) -> Workflow | None:
    rows = session.rows("catalog_workflow", account=account, name=storable(name))
    if not rows:
        return None
    [(workflow_id, group)] = rows
    steps = tuple(
        WorkflowStep(
            step_order=step_order,
            step_id=step_id,
            step_name=step_name,
            channel=channel,
            template_key=template_key,
            delay_minutes=delay_minutes,
        )
        for step_order, step_id, step_name, channel, template_key, delay_minutes in session.rows(
            "catalog_workflow_steps", account=account, workflow_id=str(workflow_id)
        )
    )
    return Workflow(name=name, steps=steps or None, template_group=group, id=str(workflow_id))


# Lists


def _put_list(session: Session, account: str, item: ContactList, _now: datetime) -> tuple[ContactList, bool]:
    return item, _store_list(session, account, item.name, [item.contacts])[1]


def _store_list(
    session: Session, account: str, name: str, chunks: Iterable[Sequence[str]]
) -> tuple[int, bool]:
    """How many members the list has, and whether it is new."""
    before = session.rows("catalog_list", account=account, name=name)
    list_id = new_id()
    for chunk in chunks:
        session.append(
            "staged_list_members",
            [(account, list_id, member, contact_id(account, member)) for member in chunk],
        )
    session.run("catalog_list_put", account=account, name=name, list_id=list_id)
    session.run("catalog_list_members_put")
    session.clear("staged_list_members")
    for old, _ in before:
        session.run("catalog_list_members_delete", account=account, list_id=str(old))
    [(_, members)] = session.rows("catalog_list", account=account, name=name)
    return members, not before


_PUT: Final = {
    Contact: _put_contact,
    ContactList: _put_list,
    Template: _put_template,
    TemplateGroup: _put_template_group,
    Workflow: _put_workflow,
}
