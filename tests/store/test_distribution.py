"""Tables spread over a cluster: what is spread how, by which rules, and what `init --distributed` says and does.

No test has Citus. Its stand-in keeps the rules that are told in `tests/store/citus`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import trigger_core
import trigger_sql
from tests.cli.conftest import Run
from tests.cli.conftest import run as run  # noqa: PLC0414  a fixture
from tests.postgres import Server
from tests.store.cluster import Cluster, cluster
from trigger_core.errors import StoreError
from trigger_core.testing.contract.samples import DIRECT, direct_trigger, jobs, outcome

REFERENCE = {
    "accounts",
    "api_keys",
    "contacts",
    "lists",
    "list_members",
    "template_groups",
    "template_variants",
    "workflows",
    "workflow_steps",
}
BY_TRIGGER = {
    "triggers",
    "steps",
    "executions",
    "jobs",
    "attempts",
    "events",
    "trigger_contacts",
    "samples",
    "tally",
    "audiences",
    "other_messages",
}
LOOK_UPS = {
    "execution_ids": "execution_id",
    "message_ids": "message_key",
    "idempotency_keys": "idempotency_key",
}
PLAIN = {
    "scheduled_steps",
    "trigger_variables",
    "dispatches",
    "retries",
    "claims",
    "rates",
    "parked_events",
}

KEYS = """
select c.relname, array_agg(a.attname::text)
from pg_index as i
inner join pg_class as c on i.indrelid = c.oid
left join pg_attribute as a on c.oid = a.attrelid and a.attnum = any(i.indkey)
where i.indisunique and c.relnamespace = current_schema()::regnamespace
group by c.relname, i.indexrelid
"""


@pytest.fixture(scope="module")
def citus(postgres: Server) -> Iterator[Cluster]:
    with cluster(postgres) as made:
        yield made


def rows(url: str, statement: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def spread(url: str) -> dict[str, tuple[str, str | None, int]]:
    """How each table is distributed: kind, column and with which others."""
    found = rows(url, "select logicalrelid::text, partmethod, partkey, colocationid from pg_dist_partition")
    return {name: (kind, column, place) for name, kind, column, place in found}


def test_every_table_has_a_place(citus: Cluster, run: Run) -> None:
    """Reference tables, tables by trigger on the same shards, look-ups by what is looked up, and the plain rest."""
    url = citus.create_store()
    first = run("init", "--store", url, "--distributed")
    assert (first.code, first.err) == (0, "")
    assert first.out.endswith(" is ready, distributed now\n")
    found = spread(url)
    assert {name for name, (kind, *_) in found.items() if kind == "n"} == REFERENCE
    assert {name for name, (_, column, _) in found.items() if column == "trigger_id"} == BY_TRIGGER
    assert len({found[name][2] for name in BY_TRIGGER}) == 1
    assert {name: found[name][1] for name in LOOK_UPS} == LOOK_UPS
    assert len({found[name][2] for name in ("triggers", *LOOK_UPS)}) == 1 + len(LOOK_UPS)
    assert {*trigger_sql.tables(), "execution_ids"} - found.keys() == PLAIN

    again = run("init", "--store", url, "--distributed", "--json")
    assert (again.code, again.err) == (0, "")
    assert again.out.endswith(',"ready":true,"newly_distributed":false}\n')
    assert spread(url) == found


def test_keys_contain_what_their_table_is_spread_by(citus: Cluster) -> None:
    """Every primary and unique key of a table spread by trigger contains trigger_id, a look-up's what is looked up."""
    columns = dict.fromkeys(BY_TRIGGER, "trigger_id") | LOOK_UPS
    keys = [(table, names) for table, names in rows(citus.create_store(), KEYS) if table in columns]
    assert {table for table, _ in keys} == columns.keys() - {"tally"}, "only the ledger has no key"
    assert [(table, names) for table, names in keys if columns[table] not in names] == []


def test_script_says_what_stays_plain() -> None:
    """The distribution's own words name the tables that it leaves alone."""
    text = re.sub(r"\s*\n-- ", " ", trigger_sql.script("distribution", "postgres"))
    told = text.partition("so not named here: ")[2].partition(".")[0]
    assert set(re.findall(r"\w+_\w+|\w{5,}", told)) == PLAIN


def test_what_was_recorded_goes_along(citus: Cluster, run: Run) -> None:
    """A store is distributed with its rows; recording, answering and the audit go on."""
    url = citus.create_store()
    with trigger_core.open(url) as library:
        library.record([*direct_trigger(), *jobs(1, 3), outcome(1)])
    assert run("init", "--store", url, "--distributed").code == 0
    with trigger_core.open(url) as library:
        library.record([outcome(2)])
        assert library.trigger("acme", DIRECT).summary.sent == 2
        assert list(library.audit()) == []
    assert rows(url, "select count(*) from jobs") == [(3,)]


@pytest.mark.parametrize(
    ("offered", "told"),
    [(False, "the server has no Citus extension"), (True, "the database has no Citus extension")],
)
def test_without_citus(citus: Cluster, run: Run, offered: bool, told: str) -> None:
    """Where Citus is missing, it says where and what to do; the store is as usable as before."""
    url = citus.create_store(offered=offered, created=False)
    done = run("init", "--store", url, "--distributed")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(told)
    assert "'create extension citus'" in done.err
    assert run("init", "--store", url).code == 0


def test_a_key_that_breaks_the_rule(citus: Cluster, run: Run) -> None:
    """A key without trigger_id is refused, and then nothing is distributed at all."""
    url = citus.create_store()
    assert run("init", "--store", url).out.endswith(" is ready\n")
    with psycopg.connect(url) as connection:
        connection.execute("create unique index wrong on events (execution_id, job_id, type)")
    done = run("init", "--store", url, "--distributed")
    assert (done.code, done.out) == (2, "")
    assert "the database refused a statement" in done.err
    assert spread(url) == {}
    assert rows(url, "select count(*) from pg_class where relkind = 'p'") == [(0,)]


@pytest.mark.parametrize("kind", ["new", "made", ":memory:"])
def test_one_file_is_one_machine(tmp_path: Path, run: Run, kind: str) -> None:
    """A DuckDB store can't be distributed, and none is made by asking."""
    path = tmp_path / "store.duckdb"
    if kind == "made":
        assert run("init", "--store", path).out == f"duckdb://{path} is ready\n"
    before = path.exists() and path.read_bytes()
    done = run("init", "--store", ":memory:" if kind == ":memory:" else path, "--distributed")
    assert (done.code, done.out) == (2, "")
    assert "--distributed needs a PostgreSQL database with the Citus extension" in done.err
    assert (path.exists() and path.read_bytes()) == before


def test_port_refuses_too(tmp_path: Path) -> None:
    """A DuckDB store says itself that it is one file."""
    with (
        trigger_core.open(tmp_path / "store.duckdb") as library,
        pytest.raises(StoreError, match="one file of one process"),
    ):
        library.store.distribute()
