"""Stores to measure on, made by a few statements: the same ids, times and outcomes every time.

A store has many small direct sends, a minute apart, and in the midst of them those that benchmarks ask about. Ids are
UUIDv7 in the order of time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb
from attrs import frozen

import trigger_core

ACCOUNT: Final = "acme"
PROVIDER: Final = "twilio"

BARE: Final[dict[str, str | bool | int | float | list[str]]] = {
    "storage_compatibility_version": "v1.5.0",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}
"""How the default store opens its file."""

_PLAN: Final = """
create temp table plan as
with sends as (
    select
        n,
        case n
            when $others // 2 then $big
            when $others // 2 + 1 then $middle
            when $others // 2 + 2 then $pending
            when $others // 2 + 3 then 1
            when $others // 2 + 4 then 1
            else 1 + n % 3
        end as jobs,
        case n
            when $others // 2 + 2 then 'pending'
            when $others // 2 + 3 then 'sent'
            when $others // 2 + 4 then 'filtered'
        end as all_are,
        ['sms', 'email', 'whatsapp'][1 + n % 3] as channel,
        timestamp '2025-01-01 00:00:00' + n * interval '1 minute' as created_at
    from range($others + 5) as numbers (n)
)
select
    *,
    uuid_at(created_at, 'trigger ' || n) as trigger_id,
    uuid_at(created_at + interval '1 millisecond', 'execution ' || n) as execution_id
from sends
"""

_UUID: Final = """
create temp macro uuid_at(moment, seed) as (
    substr(format('{:012x}', epoch_ms(moment)), 1, 8) || '-' || substr(format('{:012x}', epoch_ms(moment)), 9)
    || '-7' || substr(md5(seed), 1, 3) || '-8' || substr(md5(seed), 4, 3) || '-' || substr(md5(seed), 7, 12)
)::uuid
"""

_FATES: Final = """
create temp table fates as
with drawn as (
    select
        *,
        unnest(range(1, jobs + 1))::integer as job_id
    from plan
),

thrown as (
    select
        *,
        (md5_number_lower(n || ' ' || job_id) // 2)::bigint as dice,
        created_at + interval '1 second' + job_id * interval '3 milliseconds' as done_at
    from drawn
)

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
    dice // 100 % 100 as later
from thrown
"""

_FILL: Final = (
    "insert into accounts select $account, 'USD'",
    """
    insert into triggers
    select
        $account, trigger_id, 'direct_channel', channel, 'direct_api', 'Campaign ' || n, 'USD', created_at,
        null, null, null, null, null, null, null
    from plan
    order by trigger_id
    """,
    """
    insert into executions
    select $account, trigger_id, execution_id, channel, null, jobs, created_at + interval '1 second'
    from plan
    order by trigger_id
    """,
    """
    insert into jobs
    select
        $account, trigger_id, execution_id, job_id, 'user_' || n || '_' || job_id,
        case channel
            when 'email' then 'user_' || n || '_' || job_id || '@example.com'
            else '+1415' || lpad((dice % 10000000)::varchar, 7, '0')
        end,
        case outcome when 'sent' then done_at end,
        case outcome when 'failed' then done_at end,
        case outcome when 'filtered' then done_at end,
        case outcome when 'cancelled' then done_at end,
        case when outcome is not null then done_at end,
        case outcome when 'failed' then '30003' when 'filtered' then 'no_approved_template' end,
        case outcome
            when 'failed' then 'Unreachable'
            when 'filtered' then 'No approved template for country: ' || ['IN', 'BR', 'FR', 'DE', 'US'][1 + later % 5]
        end,
        case when outcome in ('sent', 'failed') then $provider end,
        case outcome when 'sent' then 'SM' || md5(n || ' ' || job_id) end,
        case outcome when 'sent' then 1 end,
        case outcome when 'sent' then 0.03 end,
        null, null, null, null
    from fates
    order by trigger_id, execution_id, job_id
    """,
    """
    insert into attempts
    select account, trigger_id, execution_id, job_id, 1, last_outcome_at, provider, code, message, null
    from jobs
    where sent_at is not null or failed_at is not null
    order by trigger_id, execution_id, job_id
    """,
    """
    insert into events
    select
        $account,
        trigger_id,
        execution_id,
        job_id,
        unnest(
            case
                when later < 5 then ['failed']
                when later < 60 then ['delivered', 'reached']
                when later < 90 then ['delivered', 'reached', 'opened']
                when later < 95 then ['delivered', 'reached', 'opened', 'clicked']
                else []
            end
        ),
        done_at + interval '5 seconds'
    from fates
    where outcome = 'sent'
    order by trigger_id, execution_id, job_id
    """,
    """
    insert into message_ids
    select account, provider, provider_message_id, trigger_id, execution_id, job_id
    from jobs
    where provider_message_id is not null
    """,
    """
    insert into samples
    select account, trigger_id, execution_id, message, job_id, coalesce(address, contact)
    from jobs
    where filtered_at is not null
    qualify row_number() over (partition by execution_id, message order by job_id) <= 100
    order by trigger_id, execution_id, message, job_id
    """,
    """
    insert into tally
    with entries as (
        select trigger_id, null as execution_id, 'trigger' as measure, channel as detail, 1 as n,
            0 as segments, 0 as cost, created_at as first_at, null as last_at
        from plan
        union all
        select trigger_id, execution_id, 'execution', channel, 1, 0, 0, null, null
        from plan
        union all
        select trigger_id, execution_id, 'expected', null, jobs, 0, 0, null, null
        from plan
        union all
        select trigger_id, execution_id, 'started', null, 0, 0, 0, created_at + interval '1 second', null
        from plan
        union all
        select trigger_id, execution_id, 'jobs', null, jobs, 0, 0, null, null
        from plan
        union all
        select
            trigger_id,
            execution_id,
            case
                when sent_at is not null then 'sent'
                when failed_at is not null then 'failed'
                when filtered_at is not null then 'filtered'
                else 'cancelled'
            end as shown,
            case when filtered_at is not null then message end,
            count(*),
            coalesce(sum(segments), 0),
            coalesce(sum(cost), 0),
            min(filtered_at),
            null
        from jobs
        where last_outcome_at is not null
        group by all
        union all
        select
            trigger_id, execution_id, 'outcome', null, 0, 0, 0, min(least(sent_at, failed_at)), max(last_outcome_at)
        from jobs
        where last_outcome_at is not null
        group by all
        union all
        select trigger_id, execution_id, 'attempted', null, count(*), 0, 0, min(occurred_at), null
        from attempts
        group by all
        union all
        select
            trigger_id, execution_id, if(type = 'failed', 'delivery_failed', type), null, count(*), 0, 0,
            min(occurred_at), null
        from events
        group by trigger_id, execution_id, type
    )
    select $account, *, 1
    from entries
    order by trigger_id, execution_id, measure, detail
    """,
)


@frozen
class Send:
    """A direct send and its one execution."""

    trigger_id: str
    execution_id: str
    jobs: int


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


def make(path: Path, *, others: int, big: int, middle: int, pending: int) -> Sample:
    """Makes a store of so many small sends, and of others with so many jobs."""
    trigger_core.open(path).close()
    with bare(path) as connection:
        connection.execute(_UUID)
        connection.execute(_PLAN, {"others": others, "big": big, "middle": middle, "pending": pending})
        connection.execute(_FATES)
        values = {"account": ACCOUNT, "provider": PROVIDER}
        for statement in _FILL:
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
    asked, small = sends[first : first + 5], [*sends[:first], *sends[first + 5 :]]
    return Sample(path, tuple(send.trigger_id for send in small), *asked)


def bare(path: Path) -> duckdb.DuckDBPyConnection:
    """A connection of DuckDB's own to a file, set up like the default store's."""
    connection = duckdb.connect(str(path), config=BARE)
    connection.execute("set checkpoint_threshold = '256MB'")
    return connection
