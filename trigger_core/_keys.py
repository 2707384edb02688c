"""API keys: random texts of which only a hash is stored."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Final
from uuid import uuid4

from attrs import field, frozen

from trigger_core import facts
from trigger_core._derive import utc
from trigger_core.errors import InvalidValue, NotFound
from trigger_core.store import Reader, Session

SCOPES: Final = ("read", "send", "events", "catalog")
PREFIX: Final = 16
REMEMBERED: Final = 2.0
"""Seconds that a key is taken for good without asking, where other processes may revoke it."""

SHAPE: Final = re.compile(r"sk_(?:live|test)_[0-9a-f]{48}")


@frozen
class NewKey:
    """A key just made. ``key`` is its text, shown this once."""

    key_id: str
    key: str = field(repr=False)


@frozen
class Key:
    """What is known of a key: never its text, only how it begins."""

    key_id: str
    account: str
    scopes: tuple[str, ...]
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@frozen
class Access:
    """What a key opens: an account's data, for some scopes, until it expires."""

    account: str
    scopes: frozenset[str]
    expires_at: datetime | None = None

    @property
    def expired(self) -> bool:
        """Whether the key stopped working."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)


def create(
    session: Session, account: str, scopes: Iterable[str], test: bool, expires_at: datetime | str | None
) -> NewKey:
    """Makes and stores a key."""
    facts.text(account, "account", 200)
    wanted = tuple(dict.fromkeys(facts.choice(scope, "scopes", SCOPES) for scope in scopes))
    if not wanted:
        raise InvalidValue("scopes", f"must be some of {', '.join(SCOPES)}")
    key = f"sk_{'test' if test else 'live'}_{secrets.token_hex(24)}"
    key_id = str(uuid4())
    session.run("account_insert", account=account)
    session.run(
        "api_key_insert",
        key_id=key_id,
        account=account,
        prefix=key[:PREFIX],
        digest=digest(key),
        scopes=",".join(wanted),
        created_at=_now(),
        expires_at=None
        if expires_at is None
        else facts.instant(expires_at, "expires_at").replace(tzinfo=None),
    )
    return NewKey(key_id, key)


def listed(session: Session, account: str) -> tuple[Key, ...]:
    """An account's keys."""
    return tuple(
        Key(str(key_id), owner, tuple(scopes.split(",")), prefix, *(utc(moment) for moment in moments))
        for key_id, owner, scopes, prefix, *moments in session.rows("api_keys_of", account=account)
    )


def revoke(session: Session, account: str, key_id: str) -> None:
    """Stops a key of an account from working."""
    if all(str(row[0]) != key_id for row in session.rows("api_keys_of", account=account)):
        raise NotFound
    session.run("api_key_revoke", account=account, key_id=key_id, now=_now())


def authenticate(reader: Reader, prefix: str, wanted: str) -> Access | None:
    """What the key of that beginning and digest opens."""
    for known, account, scopes, expires_at in reader.rows("api_keys_by_prefix", prefix=prefix):
        if compare_digest(known, wanted):
            return Access(account, frozenset(scopes.split(",")), utc(expires_at))
    return None


def digest(key: str) -> str:
    """What is stored of a key."""
    return sha256(key.encode()).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
