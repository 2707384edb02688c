"""Ids that this library makes, and names that others gave."""

from __future__ import annotations

import secrets
import time
from hashlib import blake2b
from uuid import UUID

from trigger_core import facts
from trigger_core.errors import InvalidValue, NotFound


def new_id() -> str:
    """A UUID of version 7 (RFC 9562): those made later sort later, so a table's rows of one time lie together.

    >>> UUID(new_id()).version
    7
    """
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    number = number & ~(0xF << 76) & ~(0x3 << 62) | 7 << 76 | 2 << 62
    return str(UUID(int=number))


def contact_id(account: str, external_id: str) -> str:
    """The key under which a contact is stored: one value of 16 bytes, which an index finds and a tenant can't choose.

    >>> contact_id("acme", "user_1") == contact_id("acme", "user_1") != contact_id("globex", "user_1")
    True
    """
    digest = blake2b(f"{account}\0{external_id}".encode(), digest_size=16).digest()
    return str(UUID(bytes=digest))


def storable(name: str) -> str:
    """A name to look for; what can't be one is nobody's.

    Raises:
        NotFound: it can't be one.
    """
    try:
        return facts.text(name, "name", 200)
    except InvalidValue:
        raise NotFound from None
