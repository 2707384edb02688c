"""The shipped queries, as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import trigger_sql
from trigger_core.errors import InvalidInput, InvalidValue
from trigger_sql import OWN_SCRIPTS, SCRIPTS, Dialect

_PARAMETER: Final = re.compile(r"^--.*|\$([a-z_]+)", re.MULTILINE)
"""A line of comment, whose names stay, or a parameter."""


def listed() -> list[tuple[str, Sequence[str], str]]:
    """The queries that can be run: name, parameters, what each answers."""
    queries = [trigger_sql.query(name) for name in trigger_sql.readable()]
    return [(query.name, tuple(query.parameters), query.comment) for query in queries]


def shown(name: str, dialect: Dialect) -> str:
    """The text of a query or a script; PostgreSQL's as psql runs it, with each parameter a variable of psql's.

    Raises:
        InvalidInput: there is none of that name, or this is a checkout where nothing can translate it.
    """
    scripts = SCRIPTS if dialect == "duckdb" else (*SCRIPTS, *OWN_SCRIPTS)
    known = trigger_sql.names() if dialect == "duckdb" else {*trigger_sql.names(), *trigger_sql.own_names()}
    try:
        if name in scripts:
            return trigger_sql.script(name, dialect)
        if name in known:
            source = trigger_sql.query(name, dialect).source
            return source if dialect == "duckdb" else _PARAMETER.sub(_variable, source)
    except ModuleNotFoundError:
        raise InvalidInput("in a checkout the SQL is translated by sqlglot: pip install sqlglot") from None
    raise InvalidValue("name", f"must be one of {', '.join((*scripts, *sorted(known)))}")


def _variable(found: re.Match[str]) -> str:
    """A parameter as psql fills it in, quoted: PostgreSQL makes a number or a list of that where one is asked for."""
    return f":'{found[1]}'" if found[1] else found[0]
