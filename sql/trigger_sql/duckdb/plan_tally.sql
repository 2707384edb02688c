-- Adds to the ledger the jobs of the staged executions, and those that were filtered when they were planned.
insert into tally
with planned as (
    select
        j.account,
        j.trigger_id,
        j.execution_id,
        j.message,
        j.filtered_at
    from staged_plans as p
    inner join jobs as j on p.trigger_id = j.trigger_id and p.execution_id = j.execution_id
),

entries as (
    select
        account,
        trigger_id,
        execution_id,
        'jobs' as measure,
        null as detail,
        count(*) as n,
        null::timestamp as first_at,
        null::timestamp as last_at
    from planned
    group by account, trigger_id, execution_id
    union all
    select
        account,
        trigger_id,
        execution_id,
        'filtered' as measure,
        message as detail,
        count(*) as n,
        null as first_at,
        null as last_at
    from planned
    where filtered_at is not null
    group by account, trigger_id, execution_id, message
    union all
    select
        account,
        trigger_id,
        execution_id,
        'filtered' as measure,
        null as detail,
        0 as n,
        min(filtered_at) as first_at,
        null as last_at
    from planned
    where filtered_at is not null
    group by account, trigger_id, execution_id
    union all
    select
        account,
        trigger_id,
        execution_id,
        'outcome' as measure,
        null as detail,
        0 as n,
        null as first_at,
        max(filtered_at) as last_at
    from planned
    where filtered_at is not null
    group by account, trigger_id, execution_id
)

select
    account,
    trigger_id,
    execution_id,
    measure,
    detail,
    n,
    0 as segments,
    0 as cost,
    first_at,
    last_at,
    1 as writes
from entries
