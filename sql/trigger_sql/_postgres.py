"""From DuckDB's dialect to PostgreSQL's, by sqlglot.

Text is compared by code point in DuckDB, and in PostgreSQL where it is said so: every column of text and every cast to
text says so. The texts keep their parameters as ``$name``. Macros are left out: what stands for them there is a
function, written by hand.
"""

from __future__ import annotations

import re

import sqlglot
from sqlglot import exp

_PARAMETER = re.compile(r"%\((\w+)\)s")
_TEXT = (exp.DataType.Type.VARCHAR, exp.DataType.Type.TEXT)


def statement(text: str) -> str:
    """One statement."""
    [translated] = _translated(text)
    return translated


def script(text: str) -> str:
    """Several statements, each closed by a semicolon and an empty line."""
    return "".join(f"{translated};\n\n" for translated in _translated(text))


def _translated(text: str) -> list[str]:
    trees = [
        tree
        for tree in sqlglot.parse(text, dialect="duckdb")
        if tree is not None and not (isinstance(tree, exp.Create) and tree.kind == "MACRO")
    ]
    return [
        _PARAMETER.sub(r"$\1", tree.transform(_rewritten).sql("postgres", pretty=True, comments=False))
        for tree in trees
    ]


def _rewritten(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.In) and (values := _listed(node)) is not None:
        return exp.EQ(this=node.this, expression=exp.Any(this=exp.Paren(this=values)))
    if isinstance(node, exp.Unnest | exp.Explode) and isinstance(
        series := (node.expressions or [node.this])[0], exp.GenerateSeries
    ):
        return series  # a list of numbers there, rows here
    if isinstance(node, exp.ColumnDef) and node.kind is not None and node.kind.this in _TEXT:
        collation = exp.ColumnConstraint(kind=exp.CollateColumnConstraint(this=_code_points()))
        return exp.ColumnDef(
            this=node.this, kind=exp.DataType.build("text"), constraints=[collation, *node.constraints]
        )
    if isinstance(node, exp.Cast) and node.to.this in _TEXT:
        return exp.Paren(this=exp.Collate(this=_as_text(node), expression=_code_points()))
    return node


def _listed(node: exp.In) -> exp.Expression | None:
    """The list of ``x in (select unnest(list))``: indexes, and machines of a cluster, are chosen by `= any`."""
    query = node.args.get("query")
    select = query.this if isinstance(query, exp.Subquery) else query
    if not isinstance(select, exp.Select) or select.args.get("from_") or len(select.expressions) != 1:
        return None
    [unnest] = select.expressions
    return (unnest.expressions or [unnest.this])[0] if isinstance(unnest, exp.Unnest | exp.Explode) else None


def _as_text(node: exp.Cast) -> exp.Cast:
    return exp.Cast(this=node.this, to=exp.DataType.build("text"))


def _code_points() -> exp.Identifier:
    return exp.to_identifier("C", quoted=True)
