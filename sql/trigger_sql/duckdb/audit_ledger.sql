-- Which numbers of the ledger differ from those derived again from the rows, in all accounts: none, unless something
-- is wrong. One row for each figure that differs: n, segments, cost, first_at or last_at. Times are compared where an
-- answer uses them; the first filtered outcome of an execution is that of all reasons together, without a detail.
with recorded as (
    select
        account,
        trigger_id,
        execution_id,
        measure,
        detail,
        n,
        segments,
        cost,
        case when measure in ('trigger', 'cancel', 'started', 'attempted', 'outcome') then first_at end as first_at,
        case when measure = 'outcome' then last_at end as last_at
    from tally
    union all
    select
        account,
        trigger_id,
        execution_id,
        measure,
        null as detail,
        0 as n,
        0 as segments,
        0 as cost,
        first_at,
        null as last_at
    from tally
    where measure = 'filtered' and first_at is not null
),

shown as (
    select
        account,
        trigger_id,
        execution_id,
        case
            when sent_at is not null then 'sent'
            when failed_at is not null then 'failed'
            when filtered_at is not null then 'filtered'
            else 'cancelled'
        end as measure,
        case when sent_at is null and failed_at is null and filtered_at is not null then message end as detail,
        case when sent_at is not null then segments end as segments,
        case when sent_at is not null then cost end as cost
    from jobs
    where sent_at is not null or failed_at is not null or filtered_at is not null or cancelled_at is not null
),

derived as (
    select
        account,
        trigger_id,
        null::uuid as execution_id,
        'trigger' as measure,
        trigger_type as detail,
        1 as n,
        0 as segments,
        0 as cost,
        created_at as first_at,
        null::timestamp as last_at
    from triggers
    union all
    select
        account,
        trigger_id,
        null as execution_id,
        'cancel' as measure,
        null as detail,
        0 as n,
        0 as segments,
        0 as cost,
        cancelled_at as first_at,
        null as last_at
    from triggers
    where cancelled_at is not null
    union all
    select
        account,
        trigger_id,
        null as execution_id,
        'contacts' as measure,
        null as detail,
        count(*) as n,
        0 as segments,
        0 as cost,
        null as first_at,
        null as last_at
    from trigger_contacts
    group by account, trigger_id
    union all
    select
        account,
        trigger_id,
        execution_id,
        'execution' as measure,
        coalesce(step_id, channel) as detail,
        1 as n,
        0 as segments,
        0 as cost,
        null as first_at,
        null as last_at
    from executions
    union all
    select
        account,
        trigger_id,
        execution_id,
        'expected' as measure,
        null as detail,
        expected_jobs as n,
        0 as segments,
        0 as cost,
        null as first_at,
        null as last_at
    from executions
    where expected_jobs is not null
    union all
    select
        account,
        trigger_id,
        execution_id,
        'started' as measure,
        null as detail,
        0 as n,
        0 as segments,
        0 as cost,
        started_at as first_at,
        null as last_at
    from executions
    where started_at is not null
    union all
    select
        account,
        trigger_id,
        execution_id,
        'jobs' as measure,
        null as detail,
        count(*) as n,
        0 as segments,
        0 as cost,
        null as first_at,
        null as last_at
    from jobs
    group by account, trigger_id, execution_id
    union all
    select
        account,
        trigger_id,
        execution_id,
        measure,
        detail,
        count(*) as n,
        coalesce(sum(segments), 0) as segments,
        coalesce(sum(cost), 0) as cost,
        null as first_at,
        null as last_at
    from shown
    group by account, trigger_id, execution_id, measure, detail
    union all
    select
        account,
        trigger_id,
        execution_id,
        'outcome' as measure,
        null as detail,
        0 as n,
        0 as segments,
        0 as cost,
        min(least(sent_at, failed_at)) as first_at,
        max(last_outcome_at) as last_at
    from jobs
    where last_outcome_at is not null
    group by account, trigger_id, execution_id
    union all
    select
        account,
        trigger_id,
        execution_id,
        'filtered' as measure,
        null as detail,
        0 as n,
        0 as segments,
        0 as cost,
        min(filtered_at) as first_at,
        null as last_at
    from jobs
    where filtered_at is not null
    group by account, trigger_id, execution_id
    union all
    select
        account,
        trigger_id,
        execution_id,
        'claimed' as measure,
        null as detail,
        sum(held) as n,
        0 as segments,
        0 as cost,
        null as first_at,
        null as last_at
    from claims
    where held is not null
    group by account, trigger_id, execution_id
    union all
    select
        account,
        trigger_id,
        execution_id,
        'attempted' as measure,
        null as detail,
        count(*) as n,
        0 as segments,
        0 as cost,
        min(occurred_at) as first_at,
        null as last_at
    from attempts
    group by account, trigger_id, execution_id
    union all
    select
        account,
        trigger_id,
        execution_id,
        case type when 'failed' then 'delivery_failed' else type end as measure,
        null as detail,
        count(*) as n,
        0 as segments,
        0 as cost,
        null as first_at,
        null as last_at
    from events
    group by account, trigger_id, execution_id, type
    union all
    select
        account,
        trigger_id,
        execution_id,
        'reached' as measure,
        null as detail,
        count(distinct job_id) as n,
        0 as segments,
        0 as cost,
        null as first_at,
        null as last_at
    from events
    where type in ('delivered', 'opened', 'clicked', 'read', 'replied', 'complained')
    group by account, trigger_id, execution_id
),

both_sides as (
    select
        true as is_recorded,
        recorded.*
    from recorded
    union all
    select
        false as is_recorded,
        derived.*
    from derived
),

-- A sum of nothing is 0, but for the jobs expected: 0 of them is an answer, none said is another.
compared as (
    select
        account,
        trigger_id,
        execution_id,
        measure,
        detail,
        coalesce(sum(n) filter (where is_recorded), case when measure <> 'expected' then 0 end) as recorded_n,
        coalesce(sum(n) filter (where not is_recorded), case when measure <> 'expected' then 0 end) as derived_n,
        coalesce(sum(segments) filter (where is_recorded), 0) as recorded_segments,
        coalesce(sum(segments) filter (where not is_recorded), 0) as derived_segments,
        coalesce(sum(cost) filter (where is_recorded), 0)::decimal(38, 6) as recorded_cost,
        coalesce(sum(cost) filter (where not is_recorded), 0)::decimal(38, 6) as derived_cost,
        min(first_at) filter (where is_recorded) as recorded_first_at,
        min(first_at) filter (where not is_recorded) as derived_first_at,
        max(last_at) filter (where is_recorded) as recorded_last_at,
        max(last_at) filter (where not is_recorded) as derived_last_at
    from both_sides
    group by account, trigger_id, execution_id, measure, detail
),

different as (
    select *
    from compared
    where
        recorded_n is distinct from derived_n
        or recorded_segments <> derived_segments
        or recorded_cost <> derived_cost
        or recorded_first_at is distinct from derived_first_at
        or recorded_last_at is distinct from derived_last_at
),

figures as (
    select
        account,
        trigger_id,
        execution_id,
        measure,
        detail,
        'n' as figure,
        recorded_n::varchar as recorded,
        derived_n::varchar as derived
    from different
    union all
    select
        account,
        trigger_id,
        execution_id,
        measure,
        detail,
        'segments' as figure,
        recorded_segments::varchar as recorded,
        derived_segments::varchar as derived
    from different
    union all
    select
        account,
        trigger_id,
        execution_id,
        measure,
        detail,
        'cost' as figure,
        recorded_cost::decimal(38, 6)::varchar as recorded,
        derived_cost::decimal(38, 6)::varchar as derived
    from different
    union all
    select
        account,
        trigger_id,
        execution_id,
        measure,
        detail,
        'first_at' as figure,
        recorded_first_at::varchar as recorded,
        derived_first_at::varchar as derived
    from different
    union all
    select
        account,
        trigger_id,
        execution_id,
        measure,
        detail,
        'last_at' as figure,
        recorded_last_at::varchar as recorded,
        derived_last_at::varchar as derived
    from different
)

select
    account,
    trigger_id,
    execution_id,
    measure,
    detail,
    figure,
    recorded,
    derived
from figures
where recorded is distinct from derived
order by account, trigger_id, execution_id, measure, detail, figure
