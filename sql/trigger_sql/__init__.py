"""The SQL of trigger-core: one question per file, hand-written in DuckDB's dialect.

A file's comment says what it answers; each parameter has a line ``-- $name: meaning`` there. The files run as they
stand in a DuckDB shell. For PostgreSQL they are translated; a file of the same name under ``postgres/`` stands in place
of a translation, and its first line says why. Some are only there: locks that a database with several writers needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, Literal, NamedTuple, get_args

Dialect = Literal["duckdb", "postgres"]

DIALECTS: Final = get_args(Dialect)
SCRIPTS: Final = ("schema", "staging", "views")
"""Files of several statements: the whole database, a writer's temporary tables, the views for analysts."""

OWN_SCRIPTS: Final = ("distribution",)
"""Scripts that only PostgreSQL has: what spreads the tables over a cluster."""

TRANSLATED: Final = "translated.json"
"""Where a wheel has the translations, so that whoever installs it needs nothing that translates."""

_ROOT: Final = files(__name__)
_DECLARED: Final = re.compile(r"^-- \$(\w+): (.+)$", re.MULTILINE)
_USED: Final = re.compile(r"\$([a-z_]+)")
_COMMENT: Final = re.compile(r"^--.*\n?", re.MULTILINE)
_TABLE: Final = re.compile(r"^create table (\w+)", re.MULTILINE)
_READS: Final = re.compile(r"(?:select|with)\b")
_LOCKS: Final = re.compile(r"^ *for update\b", re.MULTILINE)
_CHANGES: Final = re.compile(r"\b(?:insert into|delete from|update) |\b(?:staged|changed)_\w+")


class Query(NamedTuple):
    """One file.

    Attributes:
        name: the file's stem.
        comment: what the query answers.
        parameters: each parameter's meaning, by name.
        text: the statement, without its comment.
        source: the file as it stands.
    """

    name: str
    comment: str
    parameters: dict[str, str]
    text: str
    source: str

    @property
    def reads(self) -> bool:
        """Whether it changes nothing and needs no batch laid out before it."""
        return bool(_READS.match(self.text)) and not _CHANGES.search(self.text)


@cache
def names() -> tuple[str, ...]:
    """The names of all queries, sorted."""
    return tuple(stem for stem in _stems("duckdb") if stem not in SCRIPTS)


@cache
def own_names() -> tuple[str, ...]:
    """The names of the queries that are written for PostgreSQL, sorted; some are nothing that DuckDB runs."""
    return tuple(stem for stem in _stems("postgres") if stem not in (*SCRIPTS, *OWN_SCRIPTS))


@cache
def tables() -> tuple[str, ...]:
    """The tables that the schema has, as it has them, but for the one of its versions."""
    return tuple(name for name in _TABLE.findall(script("schema")) if name != "schema_version")


@cache
def readable() -> tuple[str, ...]:
    """The names of the queries that a person can run, on any engine."""
    locks = {name for name in own_names() if _LOCKS.search(query(name, "postgres").text)}
    return tuple(name for name in names() if query(name).reads and name not in locks)


@cache
def query(name: str, dialect: Dialect = "duckdb") -> Query:
    """The query of that name.

    Raises:
        KeyError: there is none.
        ValueError: its comment declares a parameter that it does not use, or the reverse.

    >>> sorted(query("ledger").parameters)
    ['account', 'trigger_id']
    """
    if dialect == "postgres" and name not in own_names():
        written = query(name)
        text = _translations()[name]
        return written._replace(text=text, source=f"{_comment(written.source)}{text}\n")
    if name not in (names() if dialect == "duckdb" else own_names()):
        raise KeyError(name)
    source = _read(dialect, name)
    text = _COMMENT.sub("", source)
    declared = dict(_DECLARED.findall(source))
    if wrong := declared.keys() ^ set(_USED.findall(text)):
        raise ValueError(
            f"{name}.sql: declared but not used, or used but not declared: {', '.join(sorted(wrong))}"
        )
    comment = " ".join(line[3:] for line in _comment(source).splitlines() if not _DECLARED.match(line))
    return Query(name, comment, declared, text.strip(), source)


@cache
def script(name: str, dialect: Dialect = "duckdb") -> str:
    """The text of a script of several statements, such as ``schema`` or ``staging``.

    PostgreSQL's ``schema`` has more to it: the keys and indexes that DuckDB does without.
    """
    if dialect == "duckdb":
        return _read("duckdb", name)
    if name in OWN_SCRIPTS:
        return _read("postgres", name)
    own = _ROOT / "postgres" / f"{name}.sql"
    return _translations()[name] + (own.read_text("utf-8") if own.is_file() else "")


@cache
def migrations(dialect: Dialect = "duckdb") -> tuple[tuple[int, str], ...]:
    """Every migration's number and text, in order; PostgreSQL's have more to them, as ``schema`` has."""
    stems = _stems("duckdb/migrations")
    return tuple((int(stem[:4]), script(f"migrations/{stem}", dialect)) for stem in stems)


def translate() -> dict[str, str]:
    """All that is translated for PostgreSQL, by name, made anew from the files.

    Raises:
        ModuleNotFoundError: sqlglot isn't installed.
    """
    from trigger_sql import _postgres

    scripts = (*SCRIPTS, *(f"migrations/{stem}" for stem in _stems("duckdb/migrations")))
    return {
        **{name: _postgres.script(script(name)) for name in scripts},
        **{name: _postgres.statement(query(name).text) for name in names() if name not in own_names()},
    }


@cache
def _translations() -> Mapping[str, str]:
    kept = _ROOT / TRANSLATED
    if kept.is_file():
        translations: dict[str, str] = json.loads(kept.read_text("utf-8"))
        return translations
    from trigger_sql import _cache

    return _cache.kept(translate)


@cache
def _stems(folder: str) -> tuple[str, ...]:
    found = (entry.name for entry in (_ROOT / folder).iterdir() if entry.name.endswith(".sql"))
    return tuple(sorted(name.removesuffix(".sql") for name in found))


def _read(dialect: Dialect, name: str) -> str:
    return (_ROOT / dialect / f"{name}.sql").read_text("utf-8")


def _comment(source: str) -> str:
    """What stands over a statement."""
    first = _COMMENT.sub("", source).lstrip().split("\n", 1)[0]
    return source[: source.index(first)]
