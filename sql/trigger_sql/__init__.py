"""The SQL of trigger-core: one question per file, hand-written in DuckDB's dialect.

A file's comment says what it answers; each parameter has a line ``-- $name: meaning`` there. The files run as they
stand in a DuckDB shell.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

_ROOT: Final = files(__name__) / "duckdb"
_DECLARED: Final = re.compile(r"^-- \$(\w+): (.+)$", re.MULTILINE)
_USED: Final = re.compile(r"\$([a-z_]+)")
_COMMENT: Final = re.compile(r"^--.*\n?", re.MULTILINE)
_READS: Final = re.compile(r"(?:select|with)\b")
_STAGED: Final = re.compile(r"\b(?:staged|changed)_\w+")


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
        return bool(_READS.match(self.text)) and not _STAGED.search(self.text)


@cache
def names() -> tuple[str, ...]:
    """The names of all queries, sorted."""
    scripts = {"schema", "staging", "views"}
    stems = (entry.name.removesuffix(".sql") for entry in _ROOT.iterdir() if entry.name.endswith(".sql"))
    return tuple(sorted(stem for stem in stems if stem not in scripts))


@cache
def readable() -> tuple[str, ...]:
    """The names of the queries that a person can run."""
    return tuple(name for name in names() if query(name).reads)


@cache
def query(name: str) -> Query:
    """The query of that name.

    Raises:
        KeyError: there is none.
        ValueError: its comment declares a parameter that it does not use, or the reverse.

    >>> sorted(query("ledger").parameters)
    ['account', 'trigger_id']
    """
    if name not in names():
        raise KeyError(name)
    source = script(name)
    text = _COMMENT.sub("", source)
    declared = dict(_DECLARED.findall(source))
    if wrong := declared.keys() ^ set(_USED.findall(text)):
        raise ValueError(
            f"{name}.sql: declared but not used, or used but not declared: {', '.join(sorted(wrong))}"
        )
    head = source[: source.index(text.lstrip().split("\n", 1)[0])]
    comment = " ".join(line[3:] for line in head.splitlines() if not _DECLARED.match(line))
    return Query(name, comment, declared, text.strip(), source)


@cache
def script(name: str) -> str:
    """The text of a script of several statements, such as ``schema`` or ``staging``."""
    return (_ROOT / f"{name}.sql").read_text("utf-8")


@cache
def migrations() -> tuple[tuple[int, str], ...]:
    """Every migration's number and text, in order."""
    entries = sorted((_ROOT / "migrations").iterdir(), key=lambda entry: entry.name)
    return tuple(
        (int(entry.name[:4]), entry.read_text("utf-8")) for entry in entries if entry.name.endswith(".sql")
    )
