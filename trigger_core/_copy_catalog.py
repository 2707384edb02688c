"""Copying what is no fact: accounts, keys, the catalog and idempotency keys.

Whatever isn't there is stored as it was, under its id; whatever is must say the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any, Final

from trigger_core._copying import FIRST, Conflict, Report, pages
from trigger_core.library import Library
from trigger_core.store import Row, Session, Store

_CONTACTS: Final = 20_000
_MEMBERS: Final = 20_000
_KEYS: Final = 10_000
_SINCE: Final = datetime(1970, 1, 1)  # noqa: DTZ001  stored times are UTC without saying so

_VARIANT_ID, _KEY, _CHANNEL, _CREATED_AT, _RETIRED_AT = 0, 1, 2, 11, 12
"""Columns of ``copy_template_variants``."""

_ITEMS: Final = ("copy_template_variants", "copy_template_groups", "copy_workflows", "copy_lists")

_REVOKED_AT: Final = 7
"""Column of ``copy_api_keys``."""

_TRIGGER_ID: Final = 3
"""Column of ``copy_idempotency_keys``."""


def conflicts(source: Library, target: Library, report: Report) -> Iterator[Conflict]:
    """Whatever both stores know under one name, or one id, and don't say the same of."""
    accounts, there = _accounts(source.store), _accounts(target.store)
    for account, currency in accounts.items():
        if None not in (currency, known := there.get(account)) and currency != known:
            yield Conflict(
                f"account {account}", f"pays in {currency} in the source and in {known} in the target"
            )
    yield from _key_conflicts(source.store, target.store)
    for account in accounts.keys() & there.keys():
        yield from _item_conflicts(source.store, target.store, account)
        yield from _idempotency_conflicts(source.store, target.store, account)
    yield from _contact_conflicts(source.store, target.store, sorted(accounts.keys() & there.keys()), report)


def put(source: Library, target: Library) -> dict[str, int]:
    """Stores all but contacts and idempotency keys; how many of each are new."""
    accounts = _accounts(source.store)
    new: dict[str, int] = defaultdict(int)
    with target.store.write() as session:
        known: dict[str, str | None] = dict(session.rows("copy_accounts"))
        session.append("accounts", [(account, None) for account in accounts if account not in known])
        for account, currency in accounts.items():
            if currency is not None and known.get(account) is None:
                session.run("account_currency_set", account=account, currency=currency)
        new["keys"] = _put_keys(session, _rows(source.store, "copy_api_keys"))
    target._key_changes += 1
    for account in accounts:
        items = {query: _rows(source.store, query, account=account) for query in _ITEMS}
        if any(items.values()):
            with target.store.write() as session:
                new["templates"] += _put_templates(session, account, items["copy_template_variants"])
                new["template_groups"] += _put_groups(session, account, items["copy_template_groups"])
                new["workflows"] += _put_workflows(session, account, items["copy_workflows"])
                new["lists"] += _put_lists(session, source.store, account, items["copy_lists"])
    return {name: new[name] for name in ("keys", "templates", "template_groups", "workflows", "lists")}


def put_contacts(source: Library, target: Library, report: Report) -> int:
    """Stores contacts, after the facts: an event that is recorded must not undo what was said of a contact since."""
    done = 0
    for account in _accounts(source.store):
        for rows in pages(source.store, "copy_contacts", 1, FIRST, _CONTACTS, account=account):
            with target.store.write() as session:
                session.append("staged_contacts", rows)
                session.run("copy_contacts_put")
                session.clear("staged_contacts")
            done += len(rows)
            report("copying contacts", done, None)
    return done


def put_idempotency_keys(source: Library, target: Library) -> None:
    """Stores which requests came with an idempotency key, so that they do nothing again where their trigger went."""
    for account in _accounts(source.store):
        for rows in pages(source.store, "copy_idempotency_keys", 1, "", _KEYS, account=account):
            with target.store.write() as session:
                known = _answered(session, account, rows)
                asked = list({str(row[_TRIGGER_ID]) for row in rows})
                brought = {row[1] for row in session.rows("trigger_heads", trigger_ids=asked)}
                new = [row for row in rows if row[1] not in known and row[_TRIGGER_ID] in brought]
                session.append("idempotency_keys", new)


def _rows(store: Store, query: str, **asked: object) -> list[Row]:
    with store.read() as session:
        return session.rows(query, **asked)


def _accounts(store: Store) -> dict[str, str | None]:
    return dict(_rows(store, "copy_accounts"))


# Keys


def _key_conflicts(source: Store, target: Store) -> Iterator[Conflict]:
    known = {row[0]: row for row in _rows(target, "copy_api_keys")}
    for row in _rows(source, "copy_api_keys"):
        if row[:_REVOKED_AT] != known.get(row[0], row)[:_REVOKED_AT]:
            yield Conflict(f"account {row[1]}, API key {row[0]}", "is another key in the target")


def _put_keys(session: Session, rows: Sequence[Row]) -> int:
    """A key that was revoked on either side is."""
    known = {row[0]: row for row in session.rows("copy_api_keys")}
    session.append("api_keys", new := [row for row in rows if row[0] not in known])
    for row in rows:
        if row[_REVOKED_AT] is not None and row[0] in known:
            session.run("api_key_revoke", account=row[1], key_id=str(row[0]), now=row[_REVOKED_AT])
    return len(new)


def _answered(session: Session, account: str, rows: Sequence[Row]) -> dict[str, Row]:
    asked = {"account": account, "keys": [row[1] for row in rows], "since": _SINCE}
    return {row[0]: row[1:] for row in session.rows("idempotency_answers", **asked)}


def _idempotency_conflicts(source: Store, target: Store, account: str) -> Iterator[Conflict]:
    for rows in pages(source, "copy_idempotency_keys", 1, "", _KEYS, account=account):
        with target.read() as session:
            known = _answered(session, account, rows)
        for _, key, *said, _ in rows:
            if key in known and known[key] != tuple(said):
                yield Conflict(
                    f"account {account}, idempotency key {key}",
                    "came with another request in the target; it is forgotten 24 hours after that",
                )


# Templates, groups, workflows and lists


def _item_conflicts(source: Store, target: Store, account: str) -> Iterator[Conflict]:
    other = "says something else in the target"
    variants = _templates(_rows(target, "copy_template_variants", account=account))
    for place, rows in _templates(_rows(source, "copy_template_variants", account=account)).items():
        if _merged(rows, variants.get(place, [])) is None:
            yield Conflict(f"account {account}, template {place[0]} for {place[1]}", other)
    for kind, read, asked in (
        ("template group", _groups, "copy_template_groups"),
        ("workflow", _workflows, "copy_workflows"),
    ):
        known = read(_rows(target, asked, account=account))
        for name, said in read(_rows(source, asked, account=account)).items():
            if name in known and known[name] != said:
                yield Conflict(f"account {account}, {kind} {name}", other)
    lists = {name: str(list_id) for name, list_id, _ in _rows(target, "copy_lists", account=account)}
    for name, list_id, _ in _rows(source, "copy_lists", account=account):
        if name in lists and lists[name] != str(list_id):
            members = zip_longest(_names(source, account, list_id), _names(target, account, lists[name]))
            if any(mine != theirs for mine, theirs in members):
                yield Conflict(f"account {account}, list {name}", "has other members in the target")


def _templates(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """Variants by the key and channel of their template."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        found[row[_KEY], row[_CHANNEL]].append(row)
    return found


def _merged(rows: Sequence[Row], known: Sequence[Row]) -> tuple[list[Row], list[str]] | None:
    """What is missing of a template, and what is to be taken out of use for it; None where that can't be told.

    A template whose variants are out of use on the other side was replaced there: the newer one stays in use. Of two
    that say the same the target's stays.
    """
    ids = {row[_VARIANT_ID] for row in known}
    missing = [row for row in rows if row[_VARIANT_ID] not in ids]
    live, known_live = (
        {row[_VARIANT_ID]: row for row in each if row[_RETIRED_AT] is None} for each in (rows, known)
    )
    retired, known_retired = (
        {row[_VARIANT_ID] for row in each if row[_RETIRED_AT] is not None} for each in (rows, known)
    )
    if not known_live or live.keys() == known_live.keys() or live.keys() <= known_retired:
        return missing, []
    if known_live.keys() <= retired:
        return missing, [str(key) for key in known_live]
    if _said(live.values()) == _said(known_live.values()):
        now = datetime.now(UTC).replace(tzinfo=None)
        return [(*row[:_RETIRED_AT], row[_RETIRED_AT] or now) for row in missing], []
    return None


def _said(rows: Any) -> list[str]:
    return sorted(repr(row[_KEY:_CREATED_AT]) for row in rows)


def _put_templates(session: Session, account: str, items: Sequence[Row]) -> int:
    known = _templates(session.rows("copy_template_variants", account=account))
    new = 0
    for place, rows in _templates(items).items():
        missing, replaced = _merged(rows, known.get(place, [])) or ([], [])
        if missing:
            session.append("template_variants", [(account, *row) for row in missing])
        if replaced:
            now = max(row[_CREATED_AT] for row in rows)
            session.run("copy_template_variant_retire", account=account, variant_ids=replaced, now=now)
        new += place not in known
    return new


def _groups(rows: Sequence[Row]) -> dict[str, Row]:
    return {row[0]: row[2:] for row in rows}


def _put_groups(session: Session, account: str, items: Sequence[Row]) -> int:
    known = _groups(session.rows("copy_template_groups", account=account))
    new = [(account, *row) for row in items if row[0] not in known]
    if new:
        session.append("template_groups", new)
    return len(new)


def _workflows(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for name, _, *said in rows:
        found[name].append(tuple(said))
    return found


def _put_workflows(session: Session, account: str, items: Sequence[Row]) -> int:
    known = _workflows(session.rows("copy_workflows", account=account))
    rows = [row for row in items if row[0] not in known]
    new = {row[0]: (account, *row[:3]) for row in rows}
    steps = [(account, row[1], *row[3:]) for row in rows if row[3] is not None]
    if new:
        session.append("workflows", list(new.values()))
    if steps:
        session.append("workflow_steps", steps)
    return len(new)


def _members(store: Store, account: str, list_id: object) -> Iterator[list[Row]]:
    """Rows of ``list_members``."""
    return pages(store, "copy_list_members", 2, "", _MEMBERS, account=account, list_id=str(list_id))


def _names(store: Store, account: str, list_id: object) -> Iterator[str]:
    return (row[2] for rows in _members(store, account, list_id) for row in rows)


def _put_lists(session: Session, source: Store, account: str, items: Sequence[Row]) -> int:
    known = {row[0] for row in session.rows("copy_lists", account=account)}
    new = [row for row in items if row[0] not in known]
    for row in new:
        session.append("lists", [(account, *row)])
        for rows in _members(source, account, row[1]):
            session.append("list_members", rows)
    return len(new)


# Contacts


def _contact_conflicts(
    source: Store, target: Store, accounts: Sequence[str], report: Report
) -> Iterator[Conflict]:
    checked = 0
    with target.workspace() as session:
        for account in accounts:
            for rows in pages(source, "copy_contacts", 1, FIRST, _CONTACTS, account=account):
                session.append("staged_contacts", rows)
                for _, external_id in session.rows("copy_contacts_differ"):
                    yield Conflict(
                        f"account {account}, contact {external_id}", "is another one in the target"
                    )
                session.clear("staged_contacts")
                checked += len(rows)
                report("checking contacts", checked, None)
