"""Stores to measure on, of any size and mix, made by a few statements: the same ids, times and outcomes every time.

A store has many small direct sends, a minute apart, in the midst of them those that benchmarks ask about, and after
them further campaigns. Ids are UUIDv7 in the order of time. What is written is what recording those facts would have
written, a million jobs a call: a test exports such a store, records that and compares every table.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb
import psycopg
from attrs import frozen

import trigger_core

ACCOUNT: Final = "acme"
PROVIDER: Final = "twilio"
CALL: Final = 1_000_000

BARE: Final[dict[str, str | bool | int | float | list[str]]] = {
    "storage_compatibility_version": "v1.5.0",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}
"""How the default store opens its file."""

_UUID: Final = """
create temp macro uuid_at(moment, seed) as (
    substr(format('{:012x}', epoch_ms(moment)), 1, 8) || '-' || substr(format('{:012x}', epoch_ms(moment)), 9)
    || '-7' || substr(md5(seed), 1, 3) || '-8' || substr(md5(seed), 4, 3) || '-' || substr(md5(seed), 7, 12)
)::uuid
"""

_PLAN: Final = """
create temp table plan as
with sends as (
    select
        n,
        case
            when n = $others // 2 then $big
            when n = $others // 2 + 1 then $middle
            when n = $others // 2 + 2 then $pending
            when n in ($others // 2 + 3, $others // 2 + 4) then 1
            when n >= $others + 5 then $big
            else $each[1 + n % len($each)]
        end as jobs,
        case n
            when $others // 2 + 2 then 'pending'
            when $others // 2 + 3 then 'sent'
            when $others // 2 + 4 then 'filtered'
        end as all_are,
        ['sms', 'email', 'whatsapp'][1 + n % 3] as channel,
        timestamp '2025-01-01 00:00:00' + n * interval '1 minute' as created_at
    from range($others + 4 + $campaigns) as numbers (n)
)

select
    *,
    uuid_at(created_at, 'trigger ' || n) as trigger_id,
    uuid_at(created_at + interval '1 millisecond', 'execution ' || n) as execution_id
from sends
order by n
"""

# The calls that record it all: of each send, the jobs from first_job to last_job.
_CALLS: Final = """
create temp table calls as
with parts as (
    select
        n,
        jobs,
        unnest(range(0, greatest(jobs, 1), $call)) as before
    from plan
),

placed as (
    select
        n,
        before + 1 as first_job,
        least(before + $call, jobs) as last_job,
        sum(least($call, jobs - before)) over (order by n, before rows unbounded preceding) as through
    from parts
)

select
    n,
    first_job,
    last_job,
    (through - 1) // $call as call
from placed
order by n, first_job
"""

# The sends of one call, and what becomes of their jobs. Dice are two multiplications' middle bits.
_DRAW: Final = (
    """
    create or replace temp table sends as
    select
        plan.*,
        calls.first_job,
        calls.last_job
    from calls
    inner join plan using (n)
    where calls.call = $number
    order by n
    """,
    """
    create or replace temp table fates as
    with drawn as (
        select
            n, trigger_id, execution_id, channel, all_are, created_at,
            unnest(range(first_job, last_job + 1))::integer as job_id
        from sends
    ),

    thrown as (
        select
            *,
            (n % 1000003 * 2654435761 + job_id * 40503::bigint * 65599) // 4096 % 10007 as dice,
            created_at + interval '1 second' + job_id * interval '3 milliseconds' as done_at
        from drawn
    ),

    decided as (
        select
            *,
            case
                when all_are = 'pending' then null
                when all_are is not null then all_are
                when dice % 100 < 94 then 'sent'
                when dice % 100 < 97 then 'failed'
                when dice % 100 < 99 then 'filtered'
                else 'cancelled'
            end as outcome,
            dice // 100 as later
        from thrown
    )

    select
        n, trigger_id, execution_id, channel, job_id, outcome, later, done_at,
        'user_' || n || '_' || job_id as contact,
        case channel
            when 'email' then 'user_' || n || '_' || job_id || '@example.com'
            else '+1415' || lpad(((n * 7919 + job_id) % 10000000)::varchar, 7, '0')
        end as address,
        case outcome
            when 'failed' then 'Unreachable'
            when 'filtered' then 'No approved template for country: ' || ['IN', 'BR', 'FR', 'DE', 'US'][1 + later % 5]
        end as message,
        case when outcome = 'sent' and $traced then md5(n || ' ' || job_id)::uuid::varchar end as provider_message_id
    from decided
    """,
    """
    create or replace temp table happened as
    with told as (
        select
            trigger_id, execution_id, job_id, done_at, channel,
            case
                when later < 5 then ['failed']
                when later < 60 then ['delivered', 'reached']
                when later < 90 then ['delivered', 'reached', 'opened']
                when later < 95 then ['delivered', 'reached', 'opened', 'clicked']
                else []
            end as types
        from fates
        where outcome = 'sent'
    )

    select
        trigger_id, execution_id, job_id,
        unnest(types) as type,
        done_at + interval '5 seconds' as occurred_at
    from told
    """,
)

_FILL: Final = (
    """
    insert into triggers
    select
        $account, trigger_id, 'direct_channel', channel, 'direct_api', 'Campaign ' || n, 'USD', created_at,
        null, null, null, null, null, null, null
    from sends
    where first_job = 1
    """,
    """
    insert into executions
    select $account, trigger_id, execution_id, channel, null, jobs, created_at + interval '1 second'
    from sends
    where first_job = 1
    """,
    """
    insert into jobs
    select
        $account, trigger_id, execution_id, job_id, contact, address,
        case outcome when 'sent' then done_at end,
        case outcome when 'failed' then done_at end,
        case outcome when 'filtered' then done_at end,
        case outcome when 'cancelled' then done_at end,
        case when outcome is not null then done_at end,
        case outcome when 'failed' then '30003' when 'filtered' then 'no_approved_template' end,
        message,
        case when outcome in ('sent', 'failed') then $provider end,
        provider_message_id,
        case outcome when 'sent' then 1 end,
        case outcome when 'sent' then 0.03 end,
        null, null, null, null
    from fates
    """,
    """
    insert into attempts
    select
        $account, trigger_id, execution_id, job_id, 1, done_at, $provider,
        case outcome when 'failed' then '30003' end, case outcome when 'failed' then message end, null
    from fates
    where outcome in ('sent', 'failed')
    """,
    """
    insert into events
    select $account, trigger_id, execution_id, job_id, type, occurred_at
    from happened
    where type <> 'reached'
    """,
    """
    insert into message_ids
    select
        $account, message_key($account, $provider, provider_message_id), trigger_id, execution_id, job_id
    from fates
    where provider_message_id is not null
    """,
    """
    insert into samples
    select $account, trigger_id, execution_id, message, job_id, address
    from fates
    where outcome = 'filtered'
    qualify row_number() over (partition by execution_id, message order by job_id) <= 100
    order by trigger_id, execution_id, message, job_id
    """,
    """
    insert into tally
    with placed as (
        select *, row_number() over (partition by execution_id, message order by job_id) as place
        from fates
        where outcome = 'filtered'
    ),

    firsts as (
        select execution_id, message, array_agg(job_id || ' ' || address order by job_id) as first_contacts
        from placed
        where place <= 10
        group by execution_id, message
    ),

    entries as (
        select trigger_id, null as execution_id, 'trigger' as measure, channel as detail, 1 as n,
            0 as segments, 0 as cost, created_at as first_at, null as last_at
        from sends
        where first_job = 1
        union all
        select trigger_id, execution_id, 'execution', channel, 1, 0, 0, null, null
        from sends
        where first_job = 1
        union all
        select trigger_id, execution_id, 'expected', null, jobs, 0, 0, null, null
        from sends
        where first_job = 1
        union all
        select trigger_id, execution_id, 'started', null, 0, 0, 0, created_at + interval '1 second', null
        from sends
        where first_job = 1
        union all
        select trigger_id, execution_id, 'jobs', null, last_job - first_job + 1, 0, 0, null, null
        from sends
        where last_job >= first_job
        union all
        select
            trigger_id, execution_id, outcome,
            case outcome when 'filtered' then message end,
            count(*),
            count(*) filter (outcome = 'sent'),
            0.03 * count(*) filter (outcome = 'sent'),
            null,
            null
        from fates
        where outcome is not null
        group by trigger_id, execution_id, outcome, case outcome when 'filtered' then message end
        union all
        select trigger_id, execution_id, 'filtered', null, 0, 0, 0, min(done_at), null
        from fates
        where outcome = 'filtered'
        group by trigger_id, execution_id
        union all
        select
            trigger_id, execution_id, 'outcome', null, 0, 0, 0,
            min(done_at) filter (outcome in ('sent', 'failed')), max(done_at)
        from fates
        where outcome is not null
        group by trigger_id, execution_id
        union all
        select trigger_id, execution_id, 'attempted', null, count(*), 0, 0, min(done_at), null
        from fates
        where outcome in ('sent', 'failed')
        group by trigger_id, execution_id
        union all
        select
            trigger_id, execution_id, if(type = 'failed', 'delivery_failed', type), null, count(*), 0, 0,
            min(occurred_at), null
        from happened
        group by trigger_id, execution_id, type
    )
    select $account, entries.*, 1, first_contacts
    from entries
    left join firsts
        on entries.execution_id = firsts.execution_id and entries.measure = 'filtered' and detail = message
    order by entries.trigger_id, entries.execution_id, entries.measure, entries.detail
    """,
)


@frozen
class Send:
    """A direct send and its one execution."""

    trigger_id: str
    execution_id: str
    jobs: int


ASKED: Final = ("big", "middle", "pending", "sent", "filtered")


@frozen
class Sample:
    """A store in a file that nobody has open.

    Attributes:
        path: the file.
        others: the triggers of all small sends.
        big: the send of very many jobs.
        middle: the send of a moderate number of jobs.
        pending: the send whose jobs have no outcome yet.
        sent: a send of one job, which was sent.
        filtered: a send of one job, which was filtered.
    """

    path: Path
    others: tuple[str, ...]
    big: Send
    middle: Send
    pending: Send
    sent: Send
    filtered: Send


def recipe() -> str:
    """What a store is made by: it stays the same as long as this text does."""
    return "\0".join((_UUID, _PLAN, _CALLS, *_DRAW, *_FILL))


def make(
    path: Path,
    *,
    others: int,
    each: Sequence[int] = (1, 2, 3),
    big: int,
    campaigns: int = 1,
    middle: int,
    pending: int,
    traced: bool = True,
    call: int = CALL,
) -> Sample:
    """Makes a store.

    Args:
        path: a file that isn't there yet.
        others: how many small sends there are,
        each: and their jobs, in turns.
        big: the jobs of a campaign,
        campaigns: and how many there are; one is asked about, the others are newer than everything else.
        middle: the jobs of the moderate send.
        pending: the jobs without an outcome.
        traced: whether providers gave message ids.
        call: how many jobs are recorded together.
    """
    trigger_core.open(path).close()
    sizes = {"others": others, "each": list(each), "big": big, "campaigns": campaigns}
    with bare(path) as connection:
        connection.execute("set memory_limit = '3GB'")
        connection.execute(_UUID)
        connection.execute(_PLAN, {**sizes, "middle": middle, "pending": pending})
        connection.execute(_CALLS, {"call": call})
        connection.execute("insert into accounts values (?, 'USD')", [ACCOUNT])
        [(calls,)] = connection.execute("select max(call) + 1 from calls").fetchall()
        for number in range(calls):
            values = {"account": ACCOUNT, "provider": PROVIDER, "number": number, "traced": traced}
            for statement in (*_DRAW, *_FILL):
                used = {name: value for name, value in values.items() if f"${name}" in statement}
                connection.execute(statement, used)
        sends = [
            Send(str(trigger_id), str(execution_id), jobs)
            for trigger_id, execution_id, jobs in connection.execute(
                "select trigger_id, execution_id, jobs from plan order by n"
            ).fetchall()
        ]
    with trigger_core.open(path) as library:
        library.compact()
    first = others // 2
    asked, small = sends[first : first + 5], [*sends[:first], *sends[first + 5 : others + 5]]
    return Sample(path, tuple(send.trigger_id for send in small), *asked)


TABLES: Final = (
    "accounts",
    "triggers",
    "executions",
    "jobs",
    "attempts",
    "events",
    "message_ids",
    "samples",
    "tally",
)

_CONSTRAINTS: Final = """
select format('alter table %%I drop constraint %%I', relname, conname),
    format('alter table %%I add constraint %%I %%s', relname, conname, pg_get_constraintdef(pg_constraint.oid)),
    contype
from pg_constraint inner join pg_class on pg_class.oid = conrelid
where relname = any(%(tables)s) and contype in ('f', 'p')
union all
select format('drop index %%I', indexname), indexdef, 'x'
from pg_indexes
where tablename = any(%(tables)s)
    and indexname not in (select conname from pg_constraint where contype = 'p')
order by contype
"""


_ARRAY: Final = "'{{' || regexp_extract(to_json({0})::varchar, '^.(.*).$', 1) || '}}'"


def load_store(path: Path, url: str, tables: Sequence[str] = TABLES) -> None:
    """Copies a store into an empty PostgreSQL database, or those tables of it."""
    trigger_core.open(url).close()
    load(path, url, tables)
    if "executions" in tables:
        with psycopg.connect(url) as target:
            target.execute(
                "insert into execution_ids select e.execution_id, e.trigger_id, e.account, e.channel, e.step_id,"
                " t.flow_type from executions as e join triggers as t on e.trigger_id = t.trigger_id"
            )


def load(path: Path, url: str, tables: Sequence[str]) -> None:
    """Copies tables of a DuckDB file into those of a PostgreSQL database, which are there and empty."""
    rows = path.with_suffix(".csv")
    with bare(path) as source, psycopg.connect(url) as target:
        target.execute("set synchronous_commit = off; set maintenance_work_mem = '1GB'")
        keys = target.execute(_CONSTRAINTS.encode(), {"tables": list(tables)}).fetchall()
        for drop, *_ in keys:
            target.execute(drop)
        for table in tables:
            columns = [row[:2] for row in source.execute(f"describe {table}").fetchall()]
            texts = ", ".join(_ARRAY.format(name) if kind.endswith("[]") else name for name, kind in columns)
            source.execute(f"copy (select {texts} from {table}) to '{rows}' (format csv, header false)")
            statement = f"copy {table} ({', '.join(name for name, _ in columns)}) from stdin (format csv)"
            with rows.open("rb") as lines, target.cursor().copy(statement.encode()) as copy:
                while block := lines.read(1 << 20):
                    copy.write(block)
        rows.unlink()
        for _, make_again, _ in reversed(keys):
            target.execute(make_again)
    with psycopg.connect(url, autocommit=True) as target:
        target.execute("vacuum analyze")
        target.execute("checkpoint")


def bare(path: Path) -> duckdb.DuckDBPyConnection:
    """A connection of DuckDB's own to a file, set up like the default store's."""
    connection = duckdb.connect(str(path), config=BARE)
    connection.execute("set checkpoint_threshold = '256MB'")
    return connection
