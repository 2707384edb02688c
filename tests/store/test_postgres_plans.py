"""What the hot queries read on PostgreSQL, by the plans it makes for them.

Every scan of a guarded table must enter an index by a condition. With few rows PostgreSQL would rather read all of
them, so the short run forbids that as far as it can be forbidden, and finds what no index serves; the deep run has a
million jobs and forbids nothing.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg
import pytest

import trigger_core
import trigger_sql
from tests.postgres import Server

JOBS: Final = 900
"""How many jobs a large execution has, each of a trigger of its own; the others have one."""

FILL = """
create temp table place as
select
    n,
    case when n <= {large} then {jobs} else 1 end as jobs,
    format('019ab000-%s-7000-8000-%s', lpad(to_hex(n % 65536), 4, '0'), lpad(to_hex(n), 12, '0'))::uuid as trigger_id,
    format('019ab000-%s-7000-9000-%s', lpad(to_hex(n % 65536), 4, '0'), lpad(to_hex(n), 12, '0'))::uuid as execution_id,
    case n % 10 when 0 then 'globex' else 'acme' end as account,
    timestamp '2025-11-23' + n * interval '1 second' as moment
from generate_series(1, {large} + {single}) as n;

create temp table job as
select p.*, j as job_id, n * 1000 + j as number from place as p, generate_series(1, p.jobs) as j;

insert into accounts values ('acme', 'USD'), ('globex', 'USD');
insert into triggers (
    account, trigger_id, flow_type, trigger_type, trigger_source, campaign_name, currency, created_at
)
select account, trigger_id, 'direct_channel', 'sms', 'direct_api', 'a', 'USD', moment from place;
insert into steps select account, trigger_id, 1, 'step', 'name', 'sms', 0 from place;
insert into executions select account, trigger_id, execution_id, 'sms', null, null, null from place;
insert into execution_ids
select execution_id, trigger_id, account, 'sms', null, 'direct_channel' from place;
insert into jobs (account, trigger_id, execution_id, job_id, contact, address, sent_at, filtered_at, message)
select
    account, trigger_id, execution_id, job_id, 'user_' || number, '+1' || number,
    case when number % 10 > 2 then moment end, case when number % 10 = 2 then moment end,
    case when number % 10 = 2 then 'reason' end
from job;
insert into attempts select account, trigger_id, execution_id, job_id, 1, moment, 'p', null, null, null from job;
insert into events select account, trigger_id, execution_id, job_id, 'delivered', moment from job;
insert into message_ids
select
    account, message_key(account, 'p', 'm-' || number), trigger_id, execution_id, job_id
from job;
insert into other_messages
select account, trigger_id, execution_id, job_id, 'p', 'o-' || number from job where job_id <= 20;
insert into tally
select account, trigger_id, execution_id, measure, null, 1, 1, 0.01, moment, moment, 1, null
from place, unnest(array['trigger', 'execution', 'jobs', 'sent', 'outcome', 'filtered']) as measure;
insert into samples
select account, trigger_id, execution_id, 'reason', job_id, 'user_' || number from job where job_id <= 20;
insert into trigger_contacts select account, trigger_id, 'user_' || number from job where job_id <= 100;
insert into audiences
select account, trigger_id, job_id, 'user_' || number, gen_random_uuid() from job where job_id <= 20;
insert into contacts (account, contact_id, external_id, is_email_valid, is_phone_number_valid)
select account, gen_random_uuid(), 'user_' || number, true, true from job where job_id <= 100;
insert into list_members
select account, trigger_id, 'user_' || number, gen_random_uuid() from job where job_id <= 20;
insert into idempotency_keys select account, 'key' || n, '', trigger_id, 1, moment from place;
insert into scheduled_steps select account, trigger_id, 1, null, 'sms', 'otp', moment from place;
insert into trigger_variables select account, trigger_id, '{{}}' from place;
insert into dispatches select account, trigger_id, execution_id, 'sms', moment, 0, jobs from place;
insert into retries
select account, trigger_id, execution_id, 'sms', job_id, 2, moment, moment from job where jobs > 1 and job_id <= 10;
insert into claims
select
    account, trigger_id, execution_id, 'sms', 1, jobs, 1, moment, trigger_id, execution_id, moment, 0,
    case when n % 4 = 0 then 1 end
from place
where jobs > 1 or n <= 200;
insert into parked_events
select account, 'e' || number, execution_id, job_id, null, null, 'opened', moment from job where job_id <= 20;
insert into parked_events
select account, 'f' || number, null, null, 'q', 'm-' || number, 'opened', moment from job where job_id <= 20;
"""

TRIGGER = "019ab000-0003-7000-8000-000000000003"
EXECUTION = "019ab000-0003-7000-9000-000000000003"

VALUES: Mapping[str, object] = {
    "account": "acme",
    "trigger_id": TRIGGER,
    "trigger_ids": [TRIGGER],
    "execution_id": EXECUTION,
    "execution_ids": [EXECUTION],
    "claim_id": TRIGGER,
    "claim_ids": [TRIGGER],
    "worker_id": EXECUTION,
    "workers": [EXECUTION],
    "list_id": TRIGGER,
    "job_id": 7,
    "first": 1,
    "last": 50,
    "after": 0,
    "claimed": [],
    "unended": "pending",
    "limit": 50,
    "most": 100,
    "contacts": 10,
    "reasons": ["reason1"],
    "provider": "p",
    "provider_message_id": "m-3007",
    "keys": ["key3"],
    "channel": "sms",
    "now": "2025-11-23T00:00:10",
    "since": "2025-11-23T00:00:02",
    "due_at": "2025-11-24T00:00:00",
    "expires_at": "2025-11-24T00:00:00",
    "occurred_at": "2025-11-24T00:00:00",
}

NOT_HOT = {
    "audit_": "compares all that there is",
    "copy_": "takes all that there is",
    "compact_": "folds all that there is",
    "tidy_": "forgets what is of no more use, now and then",
}

WHOLE = {
    "dispatch_steps_next": "takes the first entry of an index",
    "parked_any": "takes any row",
}
"""Queries that read a table, or an index, without a condition, and why that is no more than a row."""

SMALL = {
    "accounts": "a row for each tenant",
    "api_keys": "some rows for each tenant",
    "rates": "a row for each channel",
    "lists": "a row for each list",
    "template_groups": "the catalog's texts",
    "template_variants": "the catalog's texts",
    "workflows": "the catalog's texts",
    "workflow_steps": "the catalog's texts",
}
"""Tables that are not guarded, and what they hold."""

GUARDED = {*trigger_sql.tables(), "execution_ids"} - SMALL.keys()

BY_TRIGGER = {"jobs", "attempts", "events", "other_messages", "trigger_contacts", "samples", "tally"}
"""Tables whose indexes begin with the trigger; to look for anything else in these is to read all of them."""

PER_JOB = {
    "jobs",
    "attempts",
    "events",
    "message_ids",
    "other_messages",
    "trigger_contacts",
    "contacts",
    "samples",
    "tally",
    "parked_events",
    "idempotency_keys",
}
"""Tables that no batch may scan at a million jobs. PostgreSQL expects hundreds of rows of any batch: of tables with a
row for each trigger it may rather read a hundred thousand than look those up."""

HOT = [
    name
    for name in sorted({*trigger_sql.names(), *trigger_sql.own_names()})
    if not name.startswith(tuple(NOT_HOT))
]


def staged(table: str, columns: list[tuple[str, str]]) -> str:
    """Fills a staging table with what it would hold of jobs of one trigger."""
    own = {"account", "trigger_id", "execution_id", "job_id"}
    literals = {"uuid": f"'{TRIGGER}'", "boolean": "true", "timestamp without time zone": "'2025-11-23'"}
    values = [
        f"j.{name}"
        if name in own
        else literals.get(kind, "1")
        if name not in ("contact", "provider_message_id")
        else "'m-' || j.job_id"
        for name, kind in columns
    ]
    return (
        f"insert into {table} select {', '.join(values)} from jobs as j "  # noqa: S608
        f"where j.trigger_id = '{TRIGGER}' and j.job_id <= 20"
    )


def filled(url: str, large: int, single: int) -> psycopg.Connection[Any]:
    """A connection to a store with so many executions of many jobs and of one, and with a batch laid out."""
    connection = psycopg.connect(url, autocommit=True)
    connection.execute("set synchronous_commit = off")
    connection.execute(FILL.format(large=large, single=single, jobs=JOBS).encode())
    connection.execute("drop table place, job")
    connection.execute("analyze")
    connection.execute(trigger_sql.script("staging", "postgres").encode())
    tables: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in connection.execute(
        "select table_name, column_name, data_type from information_schema.columns "
        "where table_schema like 'pg_temp%' and table_name not in (select table_name from information_schema.views) "
        "order by table_name, ordinal_position"
    ):
        tables.setdefault(table, []).append((column, kind))
    for table, columns in tables.items():
        connection.execute(staged(table, columns).encode())
    return connection


def scans(plan: Mapping[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    """Each table that a plan scans, how, and the condition by which it enters an index."""
    kind, inner = plan["Node Type"], plan.get("Plans", ())
    if kind != "ModifyTable" and "Relation Name" in plan:
        condition = plan.get("Index Cond") or plan.get("TID Cond")
        if kind == "Bitmap Heap Scan":
            conditions = [*entries(inner[0])]
            condition = conditions[0] if all(conditions) else None
        yield plan["Relation Name"], kind, condition
    for each in inner:
        yield from scans(each)


def entries(plan: Mapping[str, Any]) -> Iterator[str | None]:
    """The conditions by which a bitmap is made."""
    if plan["Node Type"] == "Bitmap Index Scan":
        yield plan.get("Index Cond")
    else:
        for each in plan["Plans"]:
            yield from entries(each)


def plans(
    connection: psycopg.Connection[Any], text: str, mode: str = "custom"
) -> Iterator[Mapping[str, Any]]:
    """How a statement would be run."""
    names = list(dict.fromkeys(re.findall(r"\$([a-z_]+)", text)))
    numbered = re.sub(r"\$([a-z_]+)", lambda match: f"${names.index(match[1]) + 1}", text)
    connection.execute(f"set plan_cache_mode = force_{mode}_plan".encode())
    connection.execute(f"prepare one as {numbered}".encode())
    try:
        cursor = psycopg.ClientCursor(connection)
        given = f" ({', '.join(['%s'] * len(names))})" if names else ""
        cursor.execute(
            f"explain (format json) execute one{given}".encode(), [VALUES.get(name) for name in names]
        )
        (found,) = cursor.fetchone() or ((),)
    finally:
        connection.execute("deallocate one")
    return (plan["Plan"] for plan in found)


def unentered(connection: psycopg.Connection[Any], text: str, mode: str = "custom") -> set[str]:
    """The guarded tables that a statement's plan reads without an index, all of an index, or not by their trigger."""
    return {
        table
        for plan in plans(connection, text, mode)
        for table, kind, condition in scans(plan)
        if table in GUARDED
        and (
            kind == "Seq Scan"
            or condition is None
            or (table in BY_TRIGGER and not re.search("trigger_id|ctid", condition))
        )
    }


def new(postgres: Server) -> str:
    """The URL of an empty store."""
    trigger_core.open(url := postgres.create_database()).close()
    return url


@pytest.fixture(scope="module")
def few(postgres: Server) -> Iterator[psycopg.Connection[Any]]:
    """Some jobs, of which PostgreSQL reads none one after the other if there is another way."""
    with postgres.dropping(), filled(new(postgres), 12, 200) as connection:
        connection.execute("analyze")  # the batch too
        for way in ("seqscan", "hashjoin", "mergejoin"):
            connection.execute(f"set enable_{way} = off".encode())
        yield connection


@pytest.fixture(scope="module")
def million(postgres: Server) -> Iterator[psycopg.Connection[Any]]:
    """A million jobs, as they are."""
    with postgres.dropping(), filled(new(postgres), 1000, 100_000) as connection:
        yield connection


@pytest.mark.parametrize("name", HOT)
def test_an_index_serves(few: psycopg.Connection[Any], name: str) -> None:
    """Each hot query can be answered by indexes alone."""
    assert bool(unentered(few, trigger_sql.query(name, "postgres").text)) == (name in WHOLE)


def about_jobs(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The parts of a plan that read or change jobs."""
    if plan.get("Relation Name") == "jobs":
        yield plan
    for each in plan.get("Plans", ()):
        yield from about_jobs(each)


@pytest.mark.parametrize("name", ["outcomes_match", "jobs_lock"])
def test_each_job_is_found_by_its_key(few: psycopg.Connection[Any], name: str) -> None:
    """A batch's jobs are found one by one, not joined: with old statistics that read a campaign for each of them."""
    found = [
        each for plan in plans(few, trigger_sql.query(name, "postgres").text) for each in about_jobs(plan)
    ]
    assert found[-1]["Node Type"] == "Index Scan"
    assert all(key in found[-1]["Index Cond"] for key in ("trigger_id", "execution_id", "job_id"))
    assert name == "jobs_lock" or len(found) == 1


def test_outcomes_meet_their_jobs_by_key(few: psycopg.Connection[Any]) -> None:
    """Outcomes are recorded by an insertion that finds each job by its key: no plan of it reads jobs otherwise."""
    text = trigger_sql.query("outcomes_record", "postgres").text
    [found] = [each for plan in plans(few, text) for each in about_jobs(plan)]
    assert (found["Node Type"], found["Conflict Arbiter Indexes"]) == ("ModifyTable", ["jobs_pkey"])


@pytest.mark.deep
def test_a_million_jobs_are_not_scanned(million: psycopg.Connection[Any]) -> None:
    """At a million jobs no question reads a table, its values known to the planner or not, nor a batch one of jobs."""
    scanned = {}
    for name in HOT:
        query = trigger_sql.query(name, "postgres")
        tables = GUARDED if query.reads else PER_JOB
        for mode in ("custom", "generic") if query.reads else ("custom",):
            if name not in WHOLE and (found := unentered(million, query.text, mode) & tables):
                scanned[name, mode] = found
    assert scanned == {}
    assert million.execute("select count(*) from jobs").fetchone() == (1_000_000,)


@pytest.mark.parametrize(
    "text",
    [
        "select count(*) from jobs",
        "select * from jobs where contact = $account",
        "select * from jobs where job_id = 1 and execution_id = $execution_id::uuid",
        "select max(occurred_at) from events",
        "update message_ids set job_id = 1",
    ],
)
def test_a_scan_is_noticed(few: psycopg.Connection[Any], text: str) -> None:
    """What reads a whole table, or a whole index, does not pass."""
    assert unentered(few, text)
