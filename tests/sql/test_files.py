"""Every SQL file says what it is for, is one statement, and fits the schema."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlglot import exp, parse, parse_one

import trigger_sql
from trigger_core._audit import QUERIES
from trigger_core._compact import STATEMENTS

FOLDER = Path(trigger_sql.__file__).parent / "duckdb"

CONTENTS = {
    "columns": "select table_name, column_name, data_type, is_nullable, column_default from duckdb_columns()",
    "order": "select table_name, list(column_name order by column_index) from duckdb_columns() group by all",
    "constraints": "select table_name, constraint_type, constraint_text from duckdb_constraints()",
    "indexes": "select table_name, index_name, sql from duckdb_indexes()",
    "views": "select view_name, sql from duckdb_views() where not internal",
    "sequences": "select sequence_name from duckdb_sequences()",
    "types": "select type_name from duckdb_types() where not internal",
}
"""All that a database can hold beside its rows."""


def empty_database() -> Any:
    """A connection to a database of its own, without anything in it."""
    import duckdb

    return duckdb.connect()


@pytest.fixture(scope="module")
def database() -> Iterator[Any]:
    """An empty database with everything that a query may name."""
    with empty_database() as connection:
        for script in ("schema", "staging", "views"):
            connection.execute(trigger_sql.script(script))
        yield connection


@pytest.mark.parametrize("name", trigger_sql.names())
def test_file_is_one_commented_statement(name: str) -> None:
    """A query's file begins with a sentence and holds one statement, whose parameters its comment explains."""
    query = trigger_sql.query(name)
    assert query.comment[:1].isupper()
    assert query.comment.endswith((".", "!", "?"))
    assert query.source.startswith("-- ")
    assert len(parse(query.text, dialect="duckdb")) == 1
    assert all(query.parameters.values())


@pytest.mark.parametrize("name", trigger_sql.names())
def test_query_prepares(name: str, database: Any) -> None:
    """A query names only tables and columns that there are."""
    text = trigger_sql.query(name).text
    database.execute(f"prepare one as {text}")
    database.execute("deallocate one")


def test_views_are_commented() -> None:
    """A comment stands before each view, and the script holds nothing but views."""
    blocks = trigger_sql.script("views").split("create or replace view ")
    assert len(blocks) == len(parse(trigger_sql.script("views"), dialect="duckdb")) + 1
    for before in blocks[:-1]:
        assert before.rstrip().rsplit("\n", 1)[-1].startswith("-- ")


def test_no_file_is_unknown() -> None:
    """Each file is a query, a known script or a migration; a stray one would never be run."""
    known = {f"{name}.sql" for name in (*trigger_sql.names(), "schema", "staging", "views")}
    assert {path.name for path in FOLDER.glob("*.sql")} == known
    assert len(list((FOLDER / "migrations").iterdir())) == len(trigger_sql.migrations())


def test_no_audit_or_compaction_is_left_out() -> None:
    """Whatever is called an audit or a part of the compaction is run by it."""
    names = {name for name in trigger_sql.names() if name.startswith(("audit_", "compact_"))}
    assert names == {"audit_ledger", *QUERIES, *STATEMENTS}


def test_migrations_are_numbered() -> None:
    """Migrations are numbered from 1 without a gap."""
    numbers = [number for number, _ in trigger_sql.migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("contents", CONTENTS.values(), ids=CONTENTS)
def test_schema_is_sum_of_migrations(contents: str) -> None:
    """The schema as it is written down is what all migrations together make."""
    with empty_database() as written, empty_database() as migrated:
        written.execute(trigger_sql.script("schema"))
        for _, text in trigger_sql.migrations():
            migrated.execute(text)
        expected, actual = (
            sorted(map(str, each.execute(contents).fetchall())) for each in (written, migrated)
        )
        assert expected == actual
        assert expected or "columns" not in contents


@pytest.mark.parametrize("text", ["-- A.\n-- $account: whose\nselect 1", "-- A.\nselect $account"])
def test_parameters_are_checked(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A parameter that is explained but not used, or used but not explained, is an error that names the file."""
    monkeypatch.setattr(trigger_sql, "_read", lambda *_: text)
    with pytest.raises(ValueError, match=r"ledger\.sql: .* account"):
        trigger_sql.query.__wrapped__("ledger")


WHOLE = {
    "accounts": "copy_accounts",
    "api_keys": "copy_api_keys",
    "audiences": "copy_audience",
    "contacts": "copy_contacts",
    "dispatches": "copy_dispatches",
    "idempotency_keys": "copy_idempotency_keys",
    "list_members": "copy_list_members",
    "lists": "copy_lists",
    "parked_events": "copy_parked_events",
    "retries": "copy_retries",
    "scheduled_steps": "copy_scheduled_steps",
    "template_groups": "copy_template_groups",
    "template_variants": "copy_template_variants",
    "trigger_variables": "copy_variables",
}
"""Tables that a copy takes over row by row, and the query that reads them."""


@pytest.mark.parametrize("table", WHOLE)
def test_a_copy_takes_whole_rows(table: str) -> None:
    """A copy reads every column of a table, in its order; where it is asked for one account's, that goes without."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(trigger_sql.script("schema"))
        columns = [name for (name, *_) in connection.execute(f"describe {table}").fetchall()]
    query = trigger_sql.query(WHOLE[table])
    select = parse_one(query.text, dialect="duckdb")
    assert isinstance(select, exp.Select)
    named = select.named_selects
    assert named == columns if "account" in named else named == columns[1:]
