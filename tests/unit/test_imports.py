"""Contacts and lists from files."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from trigger_core import Library
from trigger_core.catalog import Contact, ContactList
from trigger_core.errors import InvalidValue, NotFound
from trigger_core.imports import Imported, RowsRefused, import_contacts, import_list

ADA = Contact(
    external_id="ada",
    email="Ada@EXAMPLE.org",
    phone_number="+91 84894 62530",
    opted_out=("email", "sms"),
    attributes={"first_name": "Ada, Countess", "age": 36},
)
BOB = Contact(external_id="bob", phone_number="12345", country="US")
CSV = (
    "\ufeffexternal_id,email,phone_number,country,opted_out,attributes,attributes.first_name\r\n"
    'ada,Ada@EXAMPLE.org,+91 84894 62530,,email sms,"{""age"": 36}","Ada, Countess"\r\n'
    "\r\n"
    "bob,,12345,US,,,\r\n"
)
NDJSON = "\n".join(
    json.dumps(values)
    for values in (
        {
            "external_id": "ada",
            "email": "Ada@EXAMPLE.org",
            "phone_number": "+91 84894 62530",
            "opted_out": ["email", "sms"],
            "attributes": {"age": 36, "first_name": "Ada, Countess"},
        },
        {"external_id": "bob", "phone_number": "12345", "country": "US", "email": None},
    )
)
PARQUET = """
    select * from (values
        ('ada', 'Ada@EXAMPLE.org', '+91 84894 62530', null, ['email', 'sms'],
         {'age': 36, 'first_name': 'Ada, Countess'}),
        ('bob', null, '12345', 'US', null, null)
    ) as rows (external_id, email, phone_number, country, opted_out, attributes)
"""


@pytest.fixture
def library(empty_library: Callable[..., Library]) -> Iterator[Library]:
    with empty_library() as library:
        yield library


def parquet(path: Path, query: str) -> Path:
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{path}' (format parquet)")
    return path


def contacts_from(library: Library, text: str, format: str = "csv", **options: Any) -> Imported:
    return import_contacts(library, "acme", io.BytesIO(text.encode()), format=format, **options)


@pytest.mark.parametrize("suffix", ["csv", "CSV", "ndjson", "jsonl", "parquet"])
def test_every_format_stores_what_put_would(library: Library, tmp_path: Path, suffix: str) -> None:
    """A file's contacts are stored as those that are put one by one."""
    path = tmp_path / f"a*[b].{suffix}"
    if suffix == "parquet":
        parquet(tmp_path / "other", PARQUET).rename(path)
    else:
        path.write_bytes((CSV if suffix.lower() == "csv" else NDJSON).encode())
    assert import_contacts(library, "acme", path) == Imported(rows=2, stored=2)
    for contact in (ADA, BOB):
        expected = library.catalog.put("globex", contact)
        assert library.catalog.contact("acme", contact.external_id) == expected


@pytest.mark.parametrize(
    ("cell", "expected"), [("", ("sms",)), ("none", ()), ("whatsapp;email", ("email", "whatsapp"))]
)
def test_opt_outs_in_csv(library: Library, cell: str, expected: tuple[str, ...]) -> None:
    """An empty cell leaves the opt-outs that are recorded, none takes them back, channels replace them."""
    library.catalog.put("acme", Contact(external_id="a", opted_out=("sms",)))
    contacts_from(library, f"external_id,opted_out\na,{cell}\n")
    assert library.catalog.contact("acme", "a").opted_out == expected


BAD = 'external_id,country,email,colour\na,IN,,\nb,in,"x\ny",\n,,,\nc,,,red\nd\ne,\udcff,,\n'


def test_every_invalid_row_is_named(library: Library) -> None:
    """Invalid rows are named with their lines and all fields that are wrong, and nothing is stored."""
    source = io.BytesIO(BAD.encode("utf-8", "surrogateescape"))
    with pytest.raises(RowsRefused) as caught:
        import_contacts(library, "acme", source, format="csv")
    named = [(error.row, error.field) for error in caught.value.errors]
    assert named == [(3, "country"), (5, "external_id"), (6, "colour"), (7, "line"), (8, "country")]
    assert caught.value.count == 5
    assert "line 3: country: must be a code" in str(caught.value)
    with pytest.raises(NotFound):
        library.catalog.contact("acme", "a")


def test_invalid_rows_can_be_skipped(library: Library) -> None:
    """With skip_invalid the valid rows are stored, and what was skipped is told."""
    source = io.BytesIO(BAD.encode("utf-8", "surrogateescape"))
    done = import_contacts(library, "acme", source, format="csv", skip_invalid=True)
    assert (done.rows, done.stored, done.skipped, len(done.errors)) == (6, 1, 5, 5)
    assert library.catalog.contact("acme", "a").country == "IN"


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("{", "line"),
        ("[]", "line"),
        ('{"external_id": "a", "external_id": "b"}', "external_id"),
        ('{"external_id": "a", "attributes": {"a": NaN}}', "line"),
        ('{"external_id": "a", "attributes": {"a": [1]}}', "attributes.a"),
        ("[" * 100_000, "line"),
        ('{"external_id": "' + "a" * (1 << 20) + '"}', "line"),
    ],
)
def test_a_line_that_is_no_contact_is_refused(library: Library, line: str, field: str) -> None:
    """A line of NDJSON that isn't an object of a contact is named, whatever is wrong with it."""
    with pytest.raises(RowsRefused) as caught:
        contacts_from(library, f'{{"external_id": "x"}}\n\n{line}\n', "ndjson")
    assert [(error.row, error.field) for error in caught.value.errors] == [(3, field)]


@pytest.mark.parametrize(
    "text", ["", "email\na@example.org\n", "external_id,external_id\n", "external_id,,\n", '"external_id\n']
)
def test_a_header_that_names_no_contacts_is_refused(library: Library, text: str) -> None:
    """CSV without a header that names external_id, and every column once, is refused."""
    with pytest.raises(InvalidValue, match="header"):
        contacts_from(library, text)


def test_files_that_are_something_else_are_refused(library: Library, tmp_path: Path) -> None:
    """A file that isn't Parquet, a stream of Parquet, and an unknown format are refused; no file is an OSError."""
    path = tmp_path / "a.parquet"
    path.write_bytes(b"external_id\n")
    with pytest.raises(InvalidValue, match="source: can't be read as Parquet"):
        import_contacts(library, "acme", path)
    with pytest.raises(InvalidValue, match="source: must be a path"):
        contacts_from(library, "", "parquet")
    for format in (None, "xml"):
        with pytest.raises(InvalidValue, match="format"):
            import_contacts(library, "acme", tmp_path / "a.txt", format=format)
    for name in ("no.csv", "no.parquet"):
        with pytest.raises(FileNotFoundError):
            import_contacts(library, "acme", tmp_path / name)


def test_an_attribute_that_json_lacks_is_refused(library: Library, tmp_path: Path) -> None:
    """A date in a Parquet struct is named with its row."""
    path = parquet(
        tmp_path / "a.parquet", "select 'a' as external_id, {'d': date '2025-11-23'} as attributes"
    )
    with pytest.raises(RowsRefused, match=r"line 1: attributes\.d: must be text"):
        import_contacts(library, "acme", path)


def test_more_rows_than_a_batch(library: Library) -> None:
    """Rows beyond one batch are all stored, later ones over earlier ones of the same id, and progress is told."""
    heard: list[tuple[str, int, int | None]] = []
    text = "external_id,attributes.n\n" + "".join(f"user_{n % 20_001},{n}\n" for n in range(20_003))
    done = contacts_from(library, text, progress=lambda *told: heard.append(told))
    assert done == Imported(rows=20_003, stored=20_003)
    found = [library.catalog.contact("acme", f"user_{n}").attributes["n"] for n in (0, 1, 2, 20_000)]
    assert found == ["20001", "20002", "2", "20000"]
    assert [what for what, _, _ in heard] == ["checking"] * 5 + ["storing"] * 2
    assert heard[4] == ("checking", len(text), None)
    assert heard[-1] == ("storing", 20_003, 20_003)


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "parquet"])
def test_a_list_is_read_from_the_contacts_own_file(library: Library, tmp_path: Path, suffix: str) -> None:
    """A list takes the external ids of any file that has them, each once, over the list's earlier members."""
    library.catalog.put("acme", ContactList(name="all", contacts=("eve",)))
    path = tmp_path / f"a.{suffix}"
    if suffix == "parquet":
        parquet(path, f"{PARQUET} union all by name select 'bob' as external_id")
    else:
        text = CSV + "bob,,,,,,\n" if suffix == "csv" else f'{NDJSON}\n{{"external_id": "bob"}}\n'
        path.write_bytes(text.encode())
    assert import_list(library, "acme", "all", path) == Imported(rows=3, stored=2)
    assert library.catalog.list("acme", "all").contacts == ("ada", "bob")


def test_a_list_with_invalid_rows_stays_as_it_is(library: Library) -> None:
    """A list isn't replaced by a file with invalid rows, unless they are skipped."""
    library.catalog.put("acme", ContactList(name="all", contacts=("eve",)))
    text = b'{"external_id": "ada"}\n{"external_id": ""}\n{"email": "a"}\n'
    with pytest.raises(RowsRefused, match="2 rows are invalid"):
        import_list(library, "acme", "all", io.BytesIO(text), format="ndjson")
    assert library.catalog.list("acme", "all").contacts == ("eve",)
    import_list(library, "acme", "all", io.BytesIO(text), format="ndjson", skip_invalid=True)
    assert library.catalog.list("acme", "all").contacts == ("ada",)
