r"""Contacts and lists from files: CSV, NDJSON and Parquet, of any size.

First every row is checked, then the rows are stored. Nothing is stored unless all are valid, or the invalid ones are
to be skipped.

>>> import io, trigger_core
>>> rows = b"external_id,phone_number,attributes.first_name\nuser_123,+918489462530,Ada\n"
>>> with trigger_core.open(":memory:") as library:
...     import_contacts(library, "acme", io.BytesIO(rows), format="csv").stored
...     library.catalog.contact("acme", "user_123").attributes
1
{'first_name': 'Ada'}

Columns are called as the members of ``catalog.Contact`` are, but for those that are read-only; only ``external_id``
must be there. An empty cell is one that isn't given.

- CSV: UTF-8 with a header. ``opted_out`` holds channels separated by blanks, or ``none``; a column
  ``attributes.first_name`` holds the attribute first_name, and ``attributes`` a JSON object.
- NDJSON: an object on each line, as ``catalog.from_json`` takes it.
- Parquet: either; ``opted_out`` may be a list, and ``attributes`` a struct.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Any, Final

import attrs
from attrs import frozen

from trigger_core import _json, facts
from trigger_core._catalog import contact_row
from trigger_core._lines import CountedLines, parsed
from trigger_core._spool import Spool
from trigger_core.catalog import Contact, from_json
from trigger_core.errors import FactError, InvalidInput, InvalidValue

if TYPE_CHECKING:
    from trigger_core.library import Library

__all__ = ["Imported", "RowsRefused", "import_contacts", "import_list"]

Source = str | os.PathLike[str] | IO[bytes]
Progress = Callable[[str, int, int | None], object]
"""Told what is being done, how much of it is, and how much there is, if known: ``checking`` counts bytes, or rows of
Parquet; ``storing`` counts rows."""

Row = Mapping[str, object]
Rows = Iterator[tuple[int, Row | InvalidValue, int]]
"""Each row's line, from 1, what it holds or why it can't be read, and how much of the source was read with it."""

READERS: Final[dict[str, str]] = {"parquet": "trigger_duckdb:parquet_rows"}
"""What reads the formats that need a driver, as ``module:name``; called with a path, it gives how many rows there are,
and the rows."""

FORMATS: Final = ("csv", "ndjson", "parquet")
_SUFFIXES: Final = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet"}
_COLUMNS: Final = tuple(
    member.name for member in attrs.fields(Contact) if not member.metadata.get("read_only")
)
_ATTRIBUTE: Final = "attributes."
_ROWS: Final = "rows"
_BATCH: Final = 20_000
_REPORT_EVERY: Final = 5000
_KEPT_ERRORS: Final = 1000


class RowsRefused(InvalidInput):
    """Some rows of a file are invalid; nothing of it was stored.

    Attributes:
        errors: what is wrong with the first thousand of them; ``row`` is the line, from 1, or the row in Parquet.
        count: how many rows are invalid.
    """

    def __init__(self, errors: Sequence[FactError], count: int) -> None:
        self.errors = tuple(errors)
        self.count = count
        some = "a row is invalid" if count == 1 else f"{count} rows are invalid"
        first = "; ".join(f"line {error}" for error in self.errors[:3])
        more = f"; and {count - 3} more" if count > 3 else ""
        super().__init__(f"nothing was stored, {some}: {first}{more}")


@frozen
class Imported:
    """What became of a file.

    Attributes:
        rows: how many rows it has.
        stored: how many contacts were stored, one that is in several rows counted with each; or the list's length.
        skipped: how many rows were invalid.
        errors: what is wrong with the first thousand of those.
    """

    rows: int
    stored: int
    skipped: int = 0
    errors: tuple[FactError, ...] = ()


def import_contacts(
    library: Library,
    account: str,
    source: Source,
    *,
    format: str | None = None,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Stores the contacts of a file over those of their external ids, a transaction for every 20,000.

    Where it was interrupted the file can be given again. Of several rows with one external_id the last counts. An
    address that isn't one is no reason to refuse its row: it is stored as what it is, and what is sent there is
    filtered.

    Args:
        library: where they are stored.
        account: whose contacts they are.
        source: a path, or for CSV and NDJSON a binary stream.
        format: ``csv``, ``ndjson`` or ``parquet``; else what the path ends in.
        skip_invalid: go on without the rows that are invalid.
        progress: called now and then with what is being done, how much is done, and how much there is.

    Raises:
        RowsRefused: rows are invalid, and ``skip_invalid`` isn't set.
        InvalidValue: an argument is none of what is allowed, or the file isn't of that format.
        MissingExtra: addresses need the extra ``send`` to be checked.
        StoreUnavailable: some of it may be stored; give it again.
        OSError: the path can't be read.
    """
    facts.text(account, "account", 200)
    report = progress or _unheard
    with Spool() as spool:
        done = _check(source, format, partial(_contact, account), spool, skip_invalid, report)
        stored = 0
        for batch in _batches(spool):
            library.catalog.put_rows(account, batch)
            stored += len(batch)
            report("storing", stored, done.rows - done.skipped)
    return attrs.evolve(done, stored=stored)


def import_list(
    library: Library,
    account: str,
    name: str,
    source: Source,
    *,
    format: str | None = None,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> Imported:
    r"""Makes the external ids of a file a list, over the one of that name, at once.

    Args:
        library: where it is stored.
        account: whose list it is.
        name: the list's name.
        source: as for ``import_contacts``. Columns beside ``external_id`` are passed over, so the contacts' own file
            will do.
        format: ``csv``, ``ndjson`` or ``parquet``; else what the path ends in.
        skip_invalid: go on without the rows that are invalid.
        progress: called now and then with what is being done, how much is done, and how much there is.

    Raises:
        RowsRefused: rows are invalid, and ``skip_invalid`` isn't set.
        InvalidValue: an argument is none of what is allowed, or the file isn't of that format.
        StoreUnavailable: nothing was stored; try again.
        OSError: the path can't be read.

    >>> import io, trigger_core
    >>> with trigger_core.open(":memory:") as library:
    ...     file = io.BytesIO(b'{"external_id": "user_2"}\n{"external_id": "user_1"}\n')
    ...     import_list(library, "acme", "everyone", file, format="ndjson").stored
    ...     library.catalog.list("acme", "everyone").contacts
    2
    ('user_1', 'user_2')
    """
    facts.text(account, "account", 200)
    facts.text(name, "name", 200)
    report = progress or _unheard
    with Spool() as spool:
        done = _check(source, format, _member, spool, skip_invalid, report)
        stored = library.catalog.put_members(account, name, _batches(spool))
        report("storing", stored, stored)
    return attrs.evolve(done, stored=stored)


def format_of(path: str | None, format: str | None) -> str:
    """The format that is given, otherwise the one that a path's ending stands for.

    Raises:
        InvalidValue: there is no such format, or the ending is another.

    >>> format_of("contacts.csv", None), format_of("contacts.txt", "ndjson")
    ('csv', 'ndjson')
    """
    if format is None:
        format = _SUFFIXES.get(os.path.splitext(path or "")[1].lower())
        if format is None:
            raise InvalidValue(
                "format", f"must be given, {', '.join(FORMATS)}, unless the path ends in one of them"
            )
    return facts.choice(format, "format", FORMATS)


def _unheard(_what: str, _done: int, _all: int | None) -> None:
    pass


def _check(
    source: Source,
    format: str | None,
    check: Callable[[Row], Any],
    spool: Spool,
    skip_invalid: bool,
    report: Progress,
) -> Imported:
    """Spools what the rows hold; refuses the file where some are invalid and may not be skipped."""
    errors: list[FactError] = []
    count = skipped = 0
    add = spool.adder(_ROWS)
    with ExitStack() as stack:
        size, rows = _rows(source, format, stack)
        read = 0
        for line, row, read in rows:
            count += 1
            try:
                if isinstance(row, InvalidValue):
                    raise row
                add(check(row))
            except InvalidValue as error:
                skipped += 1
                if len(errors) < _KEPT_ERRORS:
                    errors += [FactError(line, one.field, one.problem) for one in error.all]
            if count % _REPORT_EVERY == 0:
                report("checking", read, size)
        report("checking", read, size)
    if errors and not skip_invalid:
        raise RowsRefused(errors, skipped)
    return Imported(count, 0, skipped, tuple(errors))


def _batches(spool: Spool) -> Iterator[list[Any]]:
    rows = chain.from_iterable(spool.chunks(_ROWS))
    while batch := list(islice(rows, _BATCH)):
        yield batch


# What a row holds


def _contact(account: str, row: Row) -> Sequence[object]:
    """A row's contact, checked, as it is staged."""
    given = {name: value for name, value in row.items() if value is not None}
    if isinstance(channels := given.get("opted_out"), str):
        given["opted_out"] = [] if channels == "none" else re.split(r"[\s,;]+", channels.strip())
    attributes = given.pop("attributes", None)
    if isinstance(attributes, str):
        attributes = _json.parse(attributes.encode("utf-8", "surrogatepass"), "attributes")
    if isinstance(attributes, Mapping):
        attributes = {name: value for name, value in attributes.items() if value is not None}
    single = {
        name.removeprefix(_ATTRIBUTE): given.pop(name) for name in list(given) if name.startswith(_ATTRIBUTE)
    }
    if single:
        attributes = single if attributes is None else {**_object(attributes), **single}
    if attributes is not None:
        given["attributes"] = attributes
    try:
        contact = Contact(**given)  # type: ignore[arg-type]
    except (InvalidValue, TypeError):
        contact = from_json(given, Contact)  # names all that is wrong
    return contact_row(account, contact)


def _object(attributes: object) -> Mapping[str, object]:
    if not isinstance(attributes, Mapping):
        raise InvalidValue("attributes", "must be an object")
    return attributes


def _member(row: Row) -> str:
    if row.get("external_id") is None:
        raise InvalidValue("external_id", "is missing")
    return facts.text(row["external_id"], "external_id", 200)


# Reading


def _rows(source: Source, format: str | None, stack: ExitStack) -> tuple[int | None, Rows]:
    """How much there is to read, if that is known, and the rows."""
    path = os.fspath(source) if isinstance(source, str | os.PathLike) else None
    format = format_of(path, format)
    if format in READERS:
        if path is None:
            raise InvalidValue("source", f"must be a path: {format} isn't read from a stream")
        module, _, name = READERS[format].partition(":")
        with open(path, "rb"):
            pass  # raises what Python raises where it can't be read, whatever the driver has for that
        return _foreign(*getattr(import_module(module), name)(path))
    size = None
    if isinstance(source, str | os.PathLike):
        source = stack.enter_context(open(source, "rb"))  # noqa: SIM115
        size = os.fstat(source.fileno()).st_size or None
    counted = CountedLines(source)
    return size, _csv(counted) if format == "csv" else _ndjson(counted)


def _csv(lines: CountedLines) -> Rows:
    reader = csv.reader((line.decode("utf-8", "surrogateescape") for line in lines), strict=True)
    columns: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            if columns is None:
                raise InvalidValue("header", "is missing: the first line names the columns") from None
            return
        except csv.Error as error:
            if columns is None:
                raise InvalidValue("header", f"isn't CSV: {error}") from None
            yield line, InvalidValue("line", f"isn't CSV: {error}"), lines.bytes
            continue
        if columns is None:
            columns = _header(cells)
        elif not cells:
            continue
        elif len(cells) != len(columns):
            problem = f"has {len(cells)} cells, where the header has {len(columns)}"
            yield line, InvalidValue("line", problem), lines.bytes
        else:
            row = {name: cell for name, cell in zip(columns, cells, strict=True) if cell}
            yield line, row, lines.bytes


def _header(cells: Sequence[str]) -> list[str]:
    columns = [cell.strip() for cell in cells]
    for name in columns:
        if columns.count(name) > 1:
            raise InvalidValue("header", f"must not name {name or 'a column without a name'} twice")
    if "external_id" not in columns:
        raise InvalidValue("header", f"must have a column external_id; it has {', '.join(columns)}")
    return columns


def _ndjson(lines: CountedLines) -> Rows:
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        row: Row | InvalidValue
        try:
            value = parsed(line)
            row = value if isinstance(value, dict) else InvalidValue("line", "must be a JSON object")
        except InvalidValue as error:
            row = error
        yield number, row, lines.bytes


def _foreign(count: int, rows: Iterator[Row]) -> tuple[int, Rows]:
    return count, ((number, row, number) for number, row in enumerate(rows, 1))
