"""The shipped queries, as text."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Final

import trigger_sql
from trigger_core.errors import InvalidInput, InvalidValue

SCRIPTS: Final = ("schema", "views", "staging")


def listed() -> list[tuple[str, Sequence[str], str]]:
    """The queries that can be run: name, parameters, what each answers."""
    queries = [trigger_sql.query(name) for name in trigger_sql.readable()]
    return [(query.name, tuple(query.parameters), query.comment) for query in queries]


def shown(name: str, dialect: str) -> str:
    """The text of a query or a script.

    Raises:
        InvalidInput: there is none of that name, or what translates it isn't installed.
    """
    if name in SCRIPTS:
        text = trigger_sql.script(name)
    elif name in trigger_sql.names():
        text = trigger_sql.query(name).source
    else:
        raise InvalidValue("name", f"must be one of {', '.join((*SCRIPTS, *trigger_sql.names()))}")
    return text if dialect == "duckdb" else _translated(text)


def _translated(text: str) -> str:
    try:
        # Found when it is run: the core depends on no SQL library, and the translation is only printed.
        sqlglot = import_module("sqlglot")
    except ImportError:
        raise InvalidInput(
            "to print a query for PostgreSQL, sqlglot is needed: pip install 'trigger-core[postgres]'"
        ) from None
    statements: list[str] = sqlglot.transpile(text, read="duckdb", write="postgres", pretty=True)
    return ";\n\n".join(statements) + "\n"
