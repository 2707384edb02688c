"""What a statement asks of a cluster's shards: PostgreSQL's statements are read as syntax trees.

Which tables are spread, and by which column, is what distribution.sql says. Wherever a hot statement reads or changes
one of them, some condition must hold that column to

- a parameter, or the values of one, or what is made of parameters: then one shard answers, or that of each value; or
- the same column of another spread table that is held so, which lies beside it; or
- a column of the batch at hand: staged rows, rows of a plain table, or a CTE or subquery of either. Its rows lie on no
  other shards than the batch's triggers; the cluster itself does not know that before it has looked.

Whatever only reads has no batch, and so has to do with the first two: no question spans shards. Exceptions are listed,
with their reasons; none may be superfluous.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlglot import exp, parse_one

import trigger_core
import trigger_sql
from tests.sql.test_isolation import conjuncts

SPREAD = dict(
    re.findall(r"create_distributed_table\('(\w+)', '(\w+)'", trigger_sql.script("distribution", "postgres"))
)
"""The column by which each spread table is."""

ASK_ALL = {
    "audit_": "compares all that there is",
    "copy_": "takes all that there is",
    "compact_": "folds all that there is",
    "tidy_": "forgets, now and then, what is of no more use",
}
"""Beginnings of the names of statements that ask all shards, as they have to."""

ASK_MORE = {
    "triggers": "lists an account's triggers, the newest first, wherever they lie",
}
"""Questions that ask more than the shards of the triggers they name."""


class Source:
    """What a statement reads from or changes."""

    def __init__(self, node: exp.Expr, ctes: frozenset[str]) -> None:
        self.name = node.alias_or_name
        is_spread = isinstance(node, exp.Table) and node.name not in ctes
        self.column = SPREAD.get(node.name) if is_spread else None
        self.table = node.name


class Statement:
    """One SELECT, UPDATE or DELETE: its sources, and the conditions on each."""

    def __init__(self, node: exp.Expr, ctes: frozenset[str]) -> None:
        self.sources: list[Source] = []
        self.conditions: list[tuple[exp.Expr, str | None]] = []
        nodes = [node.this] if isinstance(node, exp.Update | exp.Delete) else []
        if (from_ := node.args.get("from_")) is not None:
            nodes.append(from_.this)
        nodes += node.args.get("using") or ()
        joins = [*(node.args.get("joins") or ())]
        for each in nodes:
            self.sources.append(Source(each, ctes))
            joins += each.args.get("joins") or ()
        for join in joins:
            self.sources.append(Source(join.this, ctes))
            only = join.this.alias_or_name if join.side.upper() == "LEFT" else None
            self.conditions += [(each, only) for each in conjuncts(join.args.get("on"))]
        self.conditions += [(each, None) for each in conjuncts(node.args.get("where"))]

    def owner(self, column: exp.Column) -> Source | None:
        """The source of a column; none if it is an outer statement's."""
        if not column.table:
            return self.sources[0] if len(self.sources) == 1 else None
        return next((source for source in self.sources if source.name == column.table), None)

    def loose(self, batch: bool) -> set[str]:
        """The spread tables that no condition holds to parameters or, if asked so, to the batch at hand."""
        held = {source for source in self.sources if batch and source.column is None}
        while more := {
            source
            for source in self.sources
            if source not in held and any(self.holds(other, held, batch) for other in self.demands(source))
        }:
            held |= more
        return {source.table for source in self.sources if source.column is not None and source not in held}

    def demands(self, source: Source) -> Iterator[exp.Expr]:
        """What the column that a source is spread by must equal, or be among."""
        for condition, only in self.conditions:
            if only not in (None, source.name):
                continue
            if isinstance(condition, exp.EQ):
                pairs = [(condition.left, condition.right), (condition.right, condition.left)]
            elif isinstance(condition, exp.In) and "query" in condition.args:
                pairs = [(condition.this, condition.args["query"])]
            else:
                continue
            for column, other in pairs:
                if (
                    isinstance(column, exp.Column)
                    and self.owner(column) is source
                    and column.name == source.column
                ):
                    yield other

    def holds(self, other: exp.Expr, held: set[Source], batch: bool) -> bool:
        """Whether something is known where the statement is sent to the shards."""
        if any(table.name in SPREAD for table in other.find_all(exp.Table)):
            return False
        if isinstance(other, exp.Subquery):
            return batch
        columns = [*other.find_all(exp.Column)]
        if columns:
            owners = [self.owner(column) for column in columns]
            return all(batch if owner is None else owner in held for owner in owners)
        return other.find(exp.Placeholder, exp.Parameter) is not None


def loose(text: str, *, batch: bool) -> set[str]:
    """The spread tables that a statement would ask all shards of."""
    tree = parse_one(text, dialect="postgres")
    ctes = frozenset(cte.alias for cte in tree.find_all(exp.CTE))
    found = set()
    for node in tree.find_all(exp.Select, exp.Update, exp.Delete):
        found |= Statement(node, ctes).loose(batch)
    return found


def reads(name: str) -> bool:
    return trigger_sql.query(name, "postgres").reads and not name.startswith("dispatch_")


NAMES = sorted({*trigger_sql.names(), *trigger_sql.own_names()})
HOT = [name for name in NAMES if not name.startswith(tuple(ASK_ALL))]


@pytest.mark.parametrize("name", HOT)
def test_statement_asks_no_other_shards(name: str) -> None:
    """A hot statement asks the shards of its parameters or of its batch; one that only reads, of its parameters."""
    found = loose(trigger_sql.query(name, "postgres").text, batch=not reads(name))
    assert bool(found) == (name in ASK_MORE), found


def test_look_ups_find_the_trigger_first() -> None:
    """An execution's or a message's trigger is found by one key of one table, before anything else is asked."""
    for name, table in (
        ("execution_head", "execution_ids"),
        ("execution_heads", "execution_ids"),
        ("message_job", "message_ids"),
        ("idempotency_answers", "idempotency_keys"),
    ):
        tree = parse_one(trigger_sql.query(name, "postgres").text, dialect="postgres")
        assert isinstance(tree, exp.Select)
        assert [each.name for each in tree.find_all(exp.Table)] == [table], name
        assert "trigger_id" in tree.named_selects, name


def test_row_counts_come_from_returning() -> None:
    """Nothing asks a driver how many rows a statement changed: of a cluster it would be told wrongly."""
    root = Path(trigger_core.__file__).parents[1]
    sources = [*root.glob("trigger_core/**/*.py"), *root.glob("adapters/**/*.py")]
    asking = {
        path.name
        for path in sources
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("rowcount", "statusmessage", "command_status")
    }
    assert len(sources) > 50
    assert asking == set()
    counted = ("messages_insert", "dispatch_steps_taken", "dispatch_take_over")
    for name in counted:
        tree = parse_one(trigger_sql.query(name, "postgres").text, dialect="postgres")
        changes = list(tree.find_all(exp.Insert, exp.Update, exp.Delete))
        assert changes, name
        assert all(each.args["returning"] is not None for each in changes), name


def test_no_exception_is_superfluous() -> None:
    """Of each family of statements that may ask all shards one does."""
    for start in ASK_ALL:
        family = [name for name in NAMES if name.startswith(start)]
        assert any(loose(trigger_sql.query(name, "postgres").text, batch=True) for name in family), start


@pytest.mark.parametrize(
    "text",
    [
        "select n from tally where account = $account",
        "select n from tally where trigger_id > $trigger_id",
        "select n from tally as t inner join jobs as j on t.account = j.account where t.trigger_id = $trigger_id",
        "select n from jobs where trigger_id in (select trigger_id from triggers where account = $account)",
        "select n from message_ids where trigger_id = $trigger_id",
        "select n from executions where execution_id = $execution_id",
        "update jobs set code = null from staged_outcomes as s where jobs.execution_id = s.execution_id",
        "with t as (select * from tally) select n from t where trigger_id = $trigger_id",
        "delete from samples where job_id > 100",
    ],
)
def test_all_shards_are_noticed(text: str) -> None:
    """What would ask all shards does not pass, not even for a batch."""
    assert loose(text, batch=True)


@pytest.mark.parametrize(
    ("text", "batch"),
    [
        ("select n from tally where trigger_id = $trigger_id::uuid", False),
        ("select n from tally where trigger_id = any($trigger_ids::uuid[])", False),
        (
            "select n from tally as t left join jobs as j on t.trigger_id = j.trigger_id where t.trigger_id = $i",
            False,
        ),
        ("select n from message_ids where message_key = message_key($account, $provider, $id)", False),
        ("update jobs set code = null from staged_outcomes as s where jobs.trigger_id = s.trigger_id", True),
        ("delete from jobs where trigger_id in (select s.trigger_id from staged_cancels as s)", True),
    ],
)
def test_some_shards_pass(text: str, batch: bool) -> None:
    """What holds each spread table to a parameter or, in a batch, to its rows, passes; a batch's rows only there."""
    assert loose(text, batch=batch) == set()
    assert bool(loose(text, batch=False)) == batch
