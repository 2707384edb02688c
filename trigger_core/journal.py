"""The journal: a file of facts, one JSON object a line.

It is how a host's own log comes in, how a trigger goes out, and how two stores are compared. Lines may come in any
order and more than once.

>>> import io, trigger_core
>>> with trigger_core.open(":memory:") as library:
...     record(library, io.StringIO('{"kind": "cancel", "trigger_id": "none"}'))
Traceback (most recent call last):
trigger_core.journal.JournalRefused: nothing was recorded, a line is invalid: line 1: at: is missing
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from os import PathLike
from typing import IO, TYPE_CHECKING, Final

from attrs import frozen

from trigger_core import facts
from trigger_core._export import export
from trigger_core._journal_check import Lines, Problems
from trigger_core._lines import CountedLines, parsed
from trigger_core._spool import Spool
from trigger_core.errors import FactError, FactsRefused, InvalidValue

if TYPE_CHECKING:
    from trigger_core.library import Library

__all__ = ["JournalRefused", "Source", "Summary", "export", "line", "record"]

Source = str | PathLike[str] | IO[bytes] | IO[str]
Progress = Callable[[str, int, int | None], object]
"""Told what is being done, how much of it is, and how much there is, if known: bytes checked, facts recorded."""

_BATCH: Final = 20_000
_REPORT_EVERY: Final = 5000


class JournalRefused(FactsRefused):
    """Some lines of a journal are invalid; nothing of it was recorded.

    Attributes:
        errors: the first 100,000 of them, causes before what follows from them; ``row`` is the line, from 1.
        count: how many lines are invalid.
        recorded: how many facts were recorded before, where the store changed after it was checked.
    """

    def __init__(self, errors: Sequence[FactError], count: int, recorded: int = 0) -> None:
        super().__init__(errors)
        self.errors = tuple(errors)
        self.count = count
        self.recorded = recorded
        done = (
            f"{recorded} facts were recorded, then a line was refused"
            if recorded
            else "nothing was recorded, "
        )
        some = "a line is invalid" if count == 1 else f"{count} lines are invalid"
        first = "; ".join(f"line {error}" for error in self.errors[:3])
        more = f"; and {count - 3} more" if count > 3 else ""
        self.args = (f"{done}{'' if recorded else some}: {first}{more}",)


@frozen
class Summary:
    """What became of a journal.

    Attributes:
        lines: how many lines it has that aren't empty.
        recorded: how many facts of each kind were recorded, those that changed nothing included.
        skipped: how many lines were invalid.
        errors: what is wrong with the first 100,000 of those.
    """

    lines: int
    recorded: Mapping[str, int]
    skipped: int = 0
    errors: tuple[FactError, ...] = ()


def record(
    library: Library, source: Source, *, skip_invalid: bool = False, progress: Progress | None = None
) -> Summary:
    """Records a journal: first every line is checked, then all are recorded, a transaction for every 20,000 facts.

    Where it was interrupted it can be given again; what was recorded changes nothing. It needs memory for some ten
    thousand facts, and twice the journal's size in the directory for temporary files.

    Args:
        library: where it is recorded.
        source: a path, or a binary or text stream.
        skip_invalid: go on without the lines that are invalid, and without those about what they should have brought.
        progress: called now and then with what is being done, how much is done, and how much there is.

    Raises:
        JournalRefused: lines are invalid, and ``skip_invalid`` isn't set.
        StoreUnavailable: some of it may be recorded; give it again.
        OSError: the path can't be read.
    """
    report = progress or (lambda _what, _done, _all: None)
    problems = Problems()
    with ExitStack() as stack:
        spool = stack.enter_context(Spool())
        size = None
        if isinstance(source, str | PathLike):
            source = stack.enter_context(open(source, "rb"))
            size = os.fstat(source.fileno()).st_size or None
        lines = Lines(spool)
        count = _read(source, lines, problems, lambda done: report("checking", done, size))
        with library.store.workspace() as session:
            lines.check(session, problems)
        if problems.errors and not skip_invalid:
            raise JournalRefused(problems.errors, len(problems.lines))
        good = count - len(problems.lines)
        recorded = dict.fromkeys(facts.KINDS, 0)
        found = iter(lines.facts(problems.lines))
        while batch := list(islice(found, _BATCH)):
            done = sum(recorded.values())
            report("recording", done, good)
            try:
                library.record(fact for _, fact in batch)
            except FactsRefused as error:
                errors = [FactError(batch[one.row][0], one.field, one.problem) for one in error.errors]
                raise JournalRefused(errors, len(errors), done) from error
            for _, fact in batch:
                recorded[fact.kind] += 1
        report("recording", good, good)
    return Summary(count, recorded, len(problems.lines), tuple(problems.errors))


def line(fact: facts.Fact) -> bytes:
    r"""A fact as a journal has it, with the end of the line.

    >>> line(facts.Started(execution_id="85B3B004-5331-4921-B44A-6915F5572A7A", at="2025-11-23T02:25:44.499Z"))
    b'{"kind":"started","execution_id":"85b3b004-5331-4921-b44a-6915f5572a7a","at":"2025-11-23T02:25:44.499Z"}\n'
    """
    return json.dumps(facts.to_json(fact), separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _read(
    source: IO[bytes] | IO[str], lines: Lines, problems: Problems, report: Callable[[int], object]
) -> int:
    """Takes in every line; says how many there are."""
    count = 0
    read = CountedLines(source)
    for number, data in enumerate(read, 1):
        if number % _REPORT_EVERY == 0:
            report(read.bytes)
        if data.isspace():
            continue
        count += 1
        try:
            lines.add(number, facts.from_json(parsed(data)))
        except InvalidValue as error:
            problems.add(number, error.field, error.problem)
    report(read.bytes)
    return count
