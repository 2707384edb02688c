"""``Library.send`` to a list of very many contacts, beside a bare ``INSERT … SELECT`` of the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Final

import trigger_core
from benchmarks import data
from benchmarks.data import ACCOUNT
from benchmarks.ground import Ground, remove
from benchmarks.measure import Figure, figure, seconds
from trigger_core import Library
from trigger_core._ids import contact_id
from trigger_core.catalog import Template, TemplateVariant
from trigger_core.sending import Send

TEXTS: Final = {
    "one text for all": "Your order is on its way",
    "a text with variables": "Hello {{first_name}}, your order is on its way",
}

_CONTACTS: Final = (
    """
    insert into contacts
    select
        $account, contact_id, contact, null, false,
        '+1415' || lpad(n::varchar, 8, '0'), n % 50 <> 0, case n % 3 when 0 then 'US' else 'IN' end,
        null, n % 40 = 0, null, '{"first_name":"Ann' || n || '"}', null
    from people
    """,
    "insert into lists select $account, 'everyone', $list_id, $people",
    """
    insert into list_members
    select $account, $list_id, contact, contact_id
    from people
    """,
)


def run(ground: Ground) -> Iterator[Figure]:
    """Plans for everybody, of whom some opted out or have no number that is one."""
    people = ground.sizes.people
    for name, text in TEXTS.items():
        ratios = []
        for _ in range(min(3, ground.sizes.slow.rounds)):
            with filled(ground, people) as path, trigger_core.open(path) as library:
                put(library, "hello", text)
                request = Send(channel="sms", template_key="hello", list_name="everyone")
                took = seconds(partial(library.send, ACCOUNT, request))
                ratios.append(took / _insert(path, library))
        yield figure(
            "plan", f"{people:,} contacts, {name} ÷ bare INSERT … SELECT of the jobs", ratios, wanted="≤ 4"
        )


def put(library: Library, key: str, text: str) -> None:
    """Stores a template for everybody."""
    variant = TemplateVariant(approved=True, text=text, price=Decimal("0.03"), price_per="segment")
    library.catalog.put(ACCOUNT, Template(key=key, channel="sms", currency="USD", variants=(variant,)))


@contextmanager
def filled(ground: Ground, people: int) -> Iterator[Path]:
    """A store with so many contacts, all of them on the list everyone."""
    path = ground.path("plan.duckdb")
    trigger_core.open(path).close()
    values = {"account": ACCOUNT, "people": people, "list_id": "019ab000-0000-7000-8000-00000000000a"}
    names = (f"user_{n:08}" for n in range(people))
    rows = ((n, name, contact_id(ACCOUNT, name)) for n, name in enumerate(names))
    with data.bare(path) as connection:
        connection.execute("create temp table people (n integer, contact varchar, contact_id uuid)")
        with connection.appender("people") as appender:
            appender.append_rows(rows)
        for statement in _CONTACTS:
            connection.execute(statement, {name: values[name] for name in values if f"${name}" in statement})
    try:
        yield path
    finally:
        remove(path)


def _insert(path: Path, library: Library) -> float:
    """Seconds to copy all jobs of the store into an empty table of the same columns, durably."""
    library.close()
    with data.bare(path) as connection:
        connection.execute("create table bare as from jobs limit 0")
        return seconds(lambda: connection.execute("insert into bare from jobs"))
