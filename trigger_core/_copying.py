"""What the parts of a copy share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from attrs import frozen

from trigger_core.store import Row, Store

Item = TypeVar("Item")
Report = Callable[[str, int, int | None], object]

FIRST: Final = "00000000-0000-0000-0000-000000000000"
"""No id stands before this one, and nothing has it."""


@frozen
class Conflict:
    """Something of which the two stores say different things.

    Attributes:
        subject: what, with its account.
        problem: what is wrong, and which side says what where that fits a line.
    """

    subject: str
    problem: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem}"


def pages(store: Store, query: str, key: int, first: str, limit: int, **asked: object) -> Iterator[list[Row]]:
    """The pages of a query by its `$limit` and its `$behind`, an id, or `$after`; ``key`` is the column of that."""
    after = first
    place = "behind" if first == FIRST else "after"
    while True:
        with store.read() as session:
            rows = session.rows(query, **{place: after}, limit=limit, **asked)
        if not rows:
            return
        yield rows
        after = str(rows[-1][key])


def packed(items: Iterable[Item], weight: Callable[[Item], int], most: int) -> Iterator[list[Item]]:
    """Items in groups that together weigh no more than so much, unless one alone does."""
    group: list[Item] = []
    size = 0
    for item in items:
        if group and size + weight(item) > most:
            yield group
            group, size = [], 0
        group.append(item)
        size += weight(item)
    if group:
        yield group
