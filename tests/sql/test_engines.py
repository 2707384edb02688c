"""One text of SQL: every query gives the same rows on both engines, and what is written twice has to be."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlglot import parse_one

import trigger_core
import trigger_sql
from tests.postgres import Server
from tests.sql import readme
from tests.sql.example import example_facts, example_library
from trigger_core import Library
from trigger_sql import _cache, _postgres

Stores = dict[str, Library]

NECESSARY = {
    "plan_jobs": "does not prepare: lambdas and zipped lists",
    "execution_head": "is found by execution_ids, which DuckDB has not",
    "execution_heads": "is found by execution_ids, which DuckDB has not",
    "compact_samples": "touches only what is too much",
    "compact_tally": "touches only what folds",
    "fold": "waits for no other that folds",
    "outcomes_match": "has only the outcomes that were not recorded when their jobs were locked",
    "messages_insert": "keeps apart what two bring at once by a key",
    "cancels_held": "expects fewer jobs, and so reads no others",
    "contacts_tally": "counts a contact that two bring at once",
    "journal_executions_recorded": "is found by execution_ids, which DuckDB has not",
    "plan_contacts_tally": "counts a contact that two bring at once",
    "dispatch_claim": "skips what another worker has locked",
    "dispatch_claim_retries": "skips what another worker has locked",
    "dispatch_steps_due": "skips what another worker has locked",
}
"""What is written for PostgreSQL in place of a translation, and why the translation would not do."""


@pytest.fixture(scope="module")
def stores(postgres: Server) -> Iterator[Stores]:
    """The store of the README's examples, on each engine."""
    with (
        postgres.dropping(),
        example_library() as duckdb,
        example_library(postgres.create_database()) as other,
    ):
        yield {"duckdb": duckdb, "postgres": other}


def values(name: str) -> dict[str, Any]:
    """What a query is asked about."""
    import duckdb

    keys = trigger_sql.query(name).parameters
    literals = {key: readme.VALUES.get(key, "null") for key in keys}
    return {key: duckdb.execute(f"select {text}").fetchall()[0][0] for key, text in literals.items()}


def rows(library: Library, text: str, parameters: dict[str, Any]) -> tuple[tuple[str, ...], list[Any]]:
    """A statement's columns, and its rows with the type of each value."""
    columns, found = library.store.table(text, parameters)
    return columns, [[(type(value).__name__, str(value)) for value in row] for row in found]


@pytest.mark.parametrize("name", trigger_sql.readable())
def test_query_gives_the_same_rows(name: str, stores: Stores) -> None:
    """Each query that can be run gives the same rows in the same types, in the same order where it says one."""
    given = values(name)
    columns, expected = rows(stores["duckdb"], trigger_sql.query(name).text, given)
    actual = rows(stores["postgres"], trigger_sql.query(name, "postgres").text, given)
    if not readme.is_ordered(trigger_sql.query(name).text):
        expected.sort()
        actual[1].sort()
    assert actual == (columns, expected)


@pytest.mark.parametrize("name", [*trigger_sql.tables(), *sorted(readme.view_comments())])
def test_table_has_the_same_rows(name: str, stores: Stores) -> None:
    """What the statements that record have left is the same, in every table and view."""
    text = f"select * from {name}"  # noqa: S608
    columns, expected = rows(stores["duckdb"], text, {})
    actual = rows(stores["postgres"], text, {})
    assert (actual[0], sorted(actual[1])) == (columns, sorted(expected))


def test_the_example_asks_about_something(stores: Stores) -> None:
    """Most queries have rows to compare."""
    found = Counter(
        bool(rows(stores["duckdb"], trigger_sql.query(name).text, values(name))[1])
        for name in trigger_sql.readable()
        if not name.startswith(("audit_", "dispatch_", "catalog_", "journal_"))
    )
    assert found[True] > found[False]
    assert example_facts()


def test_what_is_written_twice_says_why() -> None:
    """A file for PostgreSQL says in its first line why it is there, and is known here or has no other to stand for."""
    twice = set(trigger_sql.own_names()) & set(trigger_sql.names())
    assert twice == NECESSARY.keys()
    for name in trigger_sql.own_names():
        source = trigger_sql.query(name, "postgres").source
        assert source.startswith("-- Written for PostgreSQL: "), name


def test_nothing_is_written_twice_without_need() -> None:
    """A file that has become what the translation gives is noticed."""
    for name in NECESSARY:
        own = parse_one(trigger_sql.query(name, "postgres").text, dialect="postgres").sql("postgres")
        translated = _postgres.statement(trigger_sql.query(name).text)
        assert parse_one(translated, dialect="postgres").sql("postgres") != own, name


@pytest.fixture(scope="module")
def connection(postgres: Server) -> Iterator[psycopg.Connection[Any]]:
    """A connection to an empty store, with staging tables."""
    with postgres.dropping():
        trigger_core.open(url := postgres.create_database()).close()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(trigger_sql.script("staging", "postgres").encode())
            yield connection


@pytest.mark.parametrize("name", sorted({*trigger_sql.names(), *trigger_sql.own_names()}))
def test_query_prepares(name: str, connection: psycopg.Connection[Any]) -> None:
    """Each statement fits PostgreSQL's tables, those that change something too."""
    query = trigger_sql.query(name, "postgres")
    places = {key: f"${number}" for number, key in enumerate(query.parameters, 1)}
    text = re.sub(r"\$([a-z_]+)", lambda match: places[match[1]], query.text)
    connection.execute(f"prepare one as {text}".encode())
    connection.execute("deallocate one")


def test_all_is_translated() -> None:
    """What a wheel brings is every query that is not written for PostgreSQL, and every script."""
    kept = json.loads(json.dumps(trigger_sql.translate()))
    scripts = {*trigger_sql.SCRIPTS, "migrations/0001_initial"}
    assert kept.keys() == scripts | set(trigger_sql.names()) - set(trigger_sql.own_names())


def test_translations_are_kept_as_long_as_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout translates once for each state of its files; what is kept and broken, or stale, is made anew."""
    monkeypatch.setattr(_cache, "_HERE", tmp_path)
    (tmp_path / "_postgres.py").write_text("")
    (query := tmp_path / "one.sql").write_text("select 1")

    def never() -> dict[str, str]:
        raise AssertionError("it is kept")

    assert _cache.kept(lambda: {"one": "select 1"}) == {"one": "select 1"}
    assert _cache.kept(never) == {"one": "select 1"}
    query.write_text("select 2")
    assert _cache.kept(lambda: {"one": "select 2"}) == {"one": "select 2"}
    [path] = (tmp_path / "__pycache__").iterdir()
    path.write_text("{")
    assert _cache.kept(lambda: {"one": "select 2"}) == {"one": "select 2"}
    assert _cache.kept(never) == {"one": "select 2"}
