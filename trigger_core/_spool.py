"""Rows that are too many for memory, and marks on lines that are many."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Hashable, Iterator
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Final, Self

_CHUNK: Final = 1000


class Spool:
    """Rows by key, kept in a temporary file without a name: it is gone when the process is.

    >>> with Spool() as spool:
    ...     add_even, add_odd = spool.adder("even"), spool.adder("odd")
    ...     add_even(2)
    ...     add_odd(3)
    ...     add_even(4)
    ...     list(spool.chunks("even"))
    [[2, 4]]
    """

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115  closed by __exit__
        self._end = 0
        self._written: dict[Hashable, list[tuple[int, int]]] = {}
        self._waiting: dict[Hashable, list[Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def adder(self, key: Hashable) -> Callable[[Any], None]:
        """What adds a row to those of a key."""
        waiting = self._waiting.setdefault(key, [])
        append = waiting.append

        def add(row: Any) -> None:
            append(row)
            if len(waiting) == _CHUNK:
                self._write(key, waiting)
                waiting.clear()

        return add

    def _write(self, key: Hashable, rows: list[Any]) -> None:
        data = pickle.dumps(rows, pickle.HIGHEST_PROTOCOL)
        self._file.seek(self._end)
        self._file.write(data)
        self._written.setdefault(key, []).append((self._end, len(data)))
        self._end += len(data)

    def chunks(self, key: Hashable) -> Iterator[list[Any]]:
        """The rows of a key, in the order they were added, at most a thousand at a time."""
        for place, size in self._written.get(key, ()):
            self._file.seek(place)
            yield pickle.loads(self._file.read(size))  # noqa: S301  written by this process
        if waiting := self._waiting.get(key):
            yield waiting


class Marks:
    """A set of line numbers, a bit for each line.

    >>> marks = Marks()
    >>> marks.add(1000), marks.add(1000), 1000 in marks, 999 in marks, len(marks)
    (True, False, True, False, 1)
    """

    def __init__(self) -> None:
        self._bits = bytearray()
        self._count = 0

    def add(self, line: int) -> bool:
        """Marks a line; says whether it wasn't yet."""
        if line in self:
            return False
        place = line >> 3
        if place >= len(self._bits):
            self._bits.extend(bytes(max(place + 1, 2 * len(self._bits)) - len(self._bits)))
        self._bits[place] |= 1 << (line & 7)
        self._count += 1
        return True

    def __contains__(self, line: int) -> bool:
        place = line >> 3
        return place < len(self._bits) and bool(self._bits[place] & 1 << (line & 7))

    def __len__(self) -> int:
        return self._count
