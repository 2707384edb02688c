"""No query reaches beyond what it was asked about: each shipped query is read as a syntax tree.

A *table* here is one of schema.sql; staging tables, CTEs and subqueries hold only what was let in before. In every
SELECT, UPDATE and DELETE, each table must be **bound**: some condition that always applies to it (a conjunct of
WHERE, or of the ON of a join that can drop its rows) equates its account or its trigger_id

- with a parameter, or puts it among the values of one, or
- with the same column of something bound, of a staging table, a CTE or a subquery, or puts it among the values of
  such a column.

In a query that people run, each table must also be a **tenant's**: bound by its account, or to something that is,
unless the query answers whose each row is. Exceptions are listed below, with their reasons; none may be superfluous.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlglot import exp, parse, parse_one

import trigger_sql

KEYS = frozenset({"account", "trigger_id"})

SPANNING = {
    "audit_": "an audit compares everything in the store, and shows the account of each difference",
    "dispatch_": "workers send what is due, whosever it is",
    "copy_": "a copy takes everything, whosever it is, and keeps whose it is",
    "compact_": "compaction rewrites whole tables and answers nothing",
    "tidy_": "forgets what is of no more use, whosever it was, and answers nothing",
}
"""Beginnings of the names of queries that span accounts."""

OTHER_KEYS = {
    ("execution_head", "executions", "execution_id"): "finds the trigger, and says whose it is",
    ("execution_heads", "executions", "execution_id"): "finds the triggers, and says whose they are",
    ("journal_executions_recorded", "executions", "execution_id"): "finds the triggers of a journal's facts",
    ("api_keys_by_prefix", "api_keys", "prefix"): "finds the account that a key belongs to",
    ("plan_jobs", "contacts", "contact_id"): "is made of the account and the contact",
    ("plan_jobs_single", "contacts", "contact_id"): "is made of the account and the contact",
    ("events_park", "parked_events", "event_id"): "looks whether the very same event is parked already",
    ("unpark_by_job", "parked_events", "execution_id"): "an event is parked while its trigger is unknown",
    ("unparked_by_job", "parked_events", "execution_id"): "an event is parked while its trigger is unknown",
}
"""Query, table and the key by which the table is bound instead."""

UNBOUND = {
    ("parked_any", "parked_events"): "asks only whether there is any parked event at all",
}
"""Tables that need no binding."""

ANYONES = {
    "trigger_steps": "is asked about triggers whose heads, and so whose account, are known",
}
"""Queries that people can run, that take no account and name none."""


def tables_of(script: str) -> frozenset[str]:
    """The names of the tables that a script creates."""
    statements = parse(trigger_sql.script(script), dialect="duckdb")
    creates = (each for each in statements if isinstance(each, exp.Create))
    return frozenset(table.name for each in creates if (table := each.find(exp.Table)) is not None)


REAL = tables_of("schema")


class Source:
    """Something that a statement reads from or changes."""

    def __init__(self, node: exp.Expr, real: bool) -> None:
        self.name = node.alias_or_name
        self.table = node.name if real else None


def conjuncts(node: exp.Expr | None) -> list[exp.Expr]:
    """The conditions that must all hold."""
    match node:
        case None:
            return []
        case exp.Where() | exp.Paren():
            return conjuncts(node.this)
        case exp.And():
            return conjuncts(node.left) + conjuncts(node.right)
        case _:
            return [node]


class Statement:
    """One SELECT, UPDATE or DELETE of a query: what it reads, and which conditions apply to which of it."""

    def __init__(self, node: exp.Expr, ctes: frozenset[str]) -> None:
        self.sources: list[Source] = []
        self.conditions: list[tuple[exp.Expr, frozenset[str] | None]] = []
        self.ctes = ctes
        if isinstance(node, exp.Update | exp.Delete):
            self.add(node.this)
        from_ = node.args.get("from_")
        if from_ is not None:
            self.add(from_.this)
        for using in node.args.get("using") or ():
            self.add(using)
        for join in node.args.get("joins") or ():
            self.join(join)
        self.conditions += [(each, None) for each in conjuncts(node.args.get("where"))]

    def add(self, node: exp.Expr) -> None:
        real = isinstance(node, exp.Table) and node.name in REAL and node.name not in self.ctes
        self.sources.append(Source(node, real))
        for join in node.args.get("joins") or ():
            self.join(join)

    def join(self, join: exp.Join) -> None:
        self.add(join.this)
        assert not join.args.get("using"), "this test does not understand USING"
        side = join.side.upper()
        droppable = {"": None, "LEFT": frozenset({join.this.alias_or_name})}.get(side, frozenset())
        self.conditions += [(each, droppable) for each in conjuncts(join.args.get("on"))]

    def equalities(self, source: Source) -> Iterator[tuple[str, exp.Expr]]:
        """The columns of a source that something is demanded of, and what they must equal or be among."""
        for condition, droppable in self.conditions:
            if droppable is not None and source.name not in droppable:
                continue
            if isinstance(condition, exp.EQ):
                pairs = [(condition.left, condition.right), (condition.right, condition.left)]
            elif isinstance(condition, exp.In):
                pairs = [(condition.this, condition.args.get("query") or exp.Null())]
            else:
                continue
            for column, other in pairs:
                if isinstance(column, exp.Column) and self.owner(column) is source:
                    yield column.name, other

    def owner(self, column: exp.Column) -> Source | None:
        if not column.table:
            return self.sources[0] if len(self.sources) == 1 else None
        return next((source for source in self.sources if source.name == column.table), None)

    def bound(self, keys: Callable[[Source], frozenset[str]], given: frozenset[str]) -> set[Source]:
        """The sources that are bound: by one of their keys to another source, or by a given one to a parameter."""
        found = {source for source in self.sources if source.table is None}
        while True:
            more = {
                source
                for source in self.sources
                if source not in found
                for name, other in self.equalities(source)
                if name in keys(source) and self.leads(other, name, found, name in given or name not in KEYS)
            }
            if not more:
                return found
            found |= more

    def leads(self, other: exp.Expr, name: str, found: set[Source], given: bool) -> bool:
        if isinstance(other, exp.Column):
            return other.name == name and self.owner(other) in found
        if isinstance(other, exp.Subquery) and other.find(exp.Table) is not None:
            tables = {table.name for table in other.find_all(exp.Table)}
            return other.this.named_selects == [name] and not tables & REAL - self.ctes
        return given and other.find(exp.Placeholder) is not None and other.find(exp.Column, exp.Table) is None


def statements(tree: exp.Expr) -> Iterator[Statement]:
    """Every statement in a query's tree."""
    ctes = frozenset(cte.alias for cte in tree.find_all(exp.CTE))
    for node in tree.find_all(exp.Select, exp.Update, exp.Delete):
        yield Statement(node, ctes)


def other_keys(name: str, table: str) -> frozenset[str]:
    return frozenset(key for query, each, key in OTHER_KEYS if (query, each) == (name, table))


def wrongs(name: str, text: str) -> set[str]:
    """What is wrong with a query: tables that are not bound, or not a tenant's where they have to be."""
    tree = parse_one(text, dialect="duckdb")
    found = set()

    def keys(source: Source) -> frozenset[str]:
        return KEYS | other_keys(name, source.table or "")

    answers_account = isinstance(tree, exp.Select) and "account" in tree.named_selects
    for statement in statements(tree):
        bound = statement.bound(keys, KEYS)
        owned = statement.bound(keys, frozenset({"account"}))
        for source in statement.sources:
            if source not in bound:
                found.add(f"{source.table} is not bound")
            elif isinstance(tree, exp.Query) and source not in owned and not answers_account:
                found.add(f"{source.table} is nobody's")
    return found


def excused(name: str) -> set[str]:
    """What a query may do although it is wrong."""
    if name in ANYONES:
        return {f"{table} is nobody's" for table in REAL} | unbound(name)
    return unbound(name)


def unbound(name: str) -> set[str]:
    return {f"{table} is not bound" for query, table in UNBOUND if query == name}


def spans(name: str) -> bool:
    return name.startswith(tuple(SPANNING))


@pytest.mark.parametrize("name", [name for name in trigger_sql.names() if not spans(name)])
def test_query_stays_within_its_trigger(name: str) -> None:
    """A shipped query reads and changes only rows of the account or trigger that it was given."""
    assert wrongs(name, trigger_sql.query(name).text) <= excused(name)


@pytest.mark.parametrize(
    "text",
    [
        "select n from tally",
        "select n from tally where n > 0",
        "select n from tally where account = $account or n = 0",
        "select n from tally where not account = $account",
        "select n from tally where account <> $account",
        "select n from tally where account = account",
        "select n from tally where execution_id = $execution_id",
        "select n from tally where trigger_id = $trigger_id",
        "select n from tally where account in (select account from accounts)",
        "select n from tally where trigger_id in (select execution_id from staged_jobs)",
        "select n from tally as t inner join jobs as j on t.job_id = j.job_id where t.account = $account",
        "select n from tally as t left join jobs as j on t.trigger_id = j.trigger_id and t.account = $account",
        "select n from tally as t full join jobs as j on t.account = j.account and t.account = $account",
        "select n from tally as t, jobs as j where t.account = $account and t.trigger_id = j.execution_id",
        "select n from (select * from tally) as t where t.account = $account",
        "with t as (select * from tally) select n from t where t.account = $account",
        "select n from tally where account = $account union all select 1 from jobs",
        "select 1 from tally where account = $account and exists (select 1 from jobs as j where j.n = 1)",
        "select (select count(*) from jobs) as jobs from tally where account = $account",
        "insert into tally select j.* from jobs as j left join staged_jobs as s on j.trigger_id = s.trigger_id",
        "update jobs set sent_at = s.sent_at from staged_outcomes as s where jobs.job_id = s.job_id",
        "update jobs set sent_at = null",
        "delete from jobs using staged_jobs as s where jobs.trigger_id = s.execution_id",
        "delete from jobs",
    ],
)
def test_forgetful_query_is_noticed(text: str) -> None:
    """A query that forgets its account or trigger, or demands it of the wrong table, doesn't pass."""
    assert wrongs("a query", text)


@pytest.mark.parametrize(
    "text",
    [
        "select n from tally where account = $account and n > 0",
        "select n from tally where n > 0 and (account = $account and n < 9)",
        "select n, account from tally where trigger_id in (select unnest($trigger_ids::uuid[]))",
        "select n from tally as t inner join jobs as j on t.trigger_id = j.trigger_id where j.account = $account",
        "select n from tally as t left join jobs as j on t.trigger_id = j.trigger_id where t.account = $account",
        "with t as (select * from tally where account = $account) select n from t",
        "insert into tally select j.* from staged_jobs as s left join jobs as j on s.trigger_id = j.trigger_id",
        "update jobs set sent_at = s.sent_at from staged_outcomes as s where jobs.trigger_id = s.trigger_id",
        "delete from jobs where trigger_id in (select trigger_id from staged_jobs) and job_id > 1",
        "delete from jobs using staged_jobs as s where jobs.trigger_id = s.trigger_id and not s.is_new",
    ],
)
def test_careful_query_passes(text: str) -> None:
    """A query that names its account, or joins what does, passes."""
    assert wrongs("a query", text) == set()


def test_no_exception_is_superfluous() -> None:
    """Each exception is of a query that is there and would not pass without it."""
    texts = {name: trigger_sql.query(name).text for name in trigger_sql.names()}
    needless: list[Any] = [
        start
        for start in SPANNING
        if not any(wrongs(name, text) for name, text in texts.items() if name.startswith(start))
    ]
    for key, reason in list(OTHER_KEYS.items()):
        del OTHER_KEYS[key]
        try:
            if not wrongs(key[0], texts[key[0]]) - excused(key[0]):
                needless.append(key)
        finally:
            OTHER_KEYS[key] = reason
    for name, table in UNBOUND:
        if f"{table} is not bound" not in wrongs(name, texts[name]):
            needless.append((name, table))
    needless += [name for name in ANYONES if not wrongs(name, texts[name]) - unbound(name)]
    assert needless == []


def test_views_show_the_account() -> None:
    """The views span accounts, so each of them shows the account first."""
    for create in parse(trigger_sql.script("views"), dialect="duckdb"):
        assert isinstance(create, exp.Create)
        assert create.expression.named_selects[0] == "account", create.this.name
