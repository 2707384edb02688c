-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- Locks the jobs of the staged outcomes, one after the other in the order of their keys and each found by its key,
-- whatever the planner expects; records at once the outcomes that are the first of their jobs and say sent or failed,
-- as most are, and lays out the others. An insertion does so: it meets each job as its last writer left it, also one
-- who wrote or added it since this statement began, and locks those that it does not change. For a job that isn't there
-- it adds one with nobody to reach; no transaction that has such a job is committed.
with places as materialized (
    select
        p.*,
        -- What a first outcome changes where workers have jobs of a cancelled trigger in hand is counted elsewhere.
        (select true from claims as c where p.trigger_id = c.trigger_id and c.held is not null limit 1) as is_held
    from staged_places as p
),

recorded as (
    insert into jobs as j (
        account,
        trigger_id,
        execution_id,
        job_id,
        contact,
        sent_at,
        failed_at,
        last_outcome_at,
        code,
        message,
        provider,
        provider_message_id,
        segments,
        cost
    )
    select
        p.account,
        p.trigger_id,
        p.execution_id,
        s.job_id,
        '' as contact,
        case when p.is_held is null and s.outcome = 'sent' then s.occurred_at end as sent_at,
        case when p.is_held is null and s.outcome = 'failed' then s.occurred_at end as failed_at,
        coalesce(s.last_at, s.occurred_at) as last_outcome_at,
        s.code,
        s.message,
        s.provider,
        s.provider_message_id,
        s.segments,
        s.cost_in_millionths * 0.000001 as cost
    from staged_outcomes as s
    inner join places as p on s.place = p.place
    order by p.trigger_id, p.execution_id, s.job_id
    on conflict (trigger_id, execution_id, job_id) do update
        set
            sent_at = excluded.sent_at,
            failed_at = excluded.failed_at,
            last_outcome_at = excluded.last_outcome_at,
            code = excluded.code,
            message = excluded.message,
            provider = excluded.provider,
            provider_message_id = excluded.provider_message_id,
            segments = excluded.segments,
            cost = excluded.cost
        where j.last_outcome_at is null and coalesce(excluded.sent_at, excluded.failed_at) is not null
    returning
        j.execution_id,
        j.job_id,
        j.contact <> '' as is_known,
        case when j.sent_at is null then 'failed' else 'sent' end as outcome,
        coalesce(j.sent_at, j.failed_at) as occurred_at,
        j.last_outcome_at,
        j.segments,
        j.cost
),

counted as (
    select
        execution_id,
        outcome,
        count(*) as n,
        sum(segments) as segments,
        sum(cost) as cost,
        min(occurred_at) as first_at,
        max(last_outcome_at) as last_at
    from recorded
    where is_known
    group by execution_id, outcome
),

kept as (
    insert into recorded_outcomes
    select
        p.account,
        p.trigger_id,
        p.execution_id,
        c.outcome,
        c.n,
        c.segments,
        c.cost,
        c.first_at,
        c.last_at
    from counted as c
    inner join staged_places as p on c.execution_id = p.execution_id
),

others as (
    select s.*
    from staged_outcomes as s
    where s.outcome not in ('sent', 'failed')
    union all
    -- Mostly there are none, and then none are looked for.
    select s.*
    from staged_outcomes as s
    inner join staged_places as p on s.place = p.place
    where
        (select coalesce(sum(c.n), 0) from counted as c)
        < (select count(*) from staged_outcomes as o where o.outcome in ('sent', 'failed'))
        and s.outcome in ('sent', 'failed')
        and not exists (
            select 1
            from recorded as r
            where p.execution_id = r.execution_id and s.job_id = r.job_id and r.is_known
        )
)

insert into unrecorded_outcomes
select
    line,
    place,
    job_id,
    outcome,
    occurred_at,
    last_at,
    code,
    message,
    provider,
    provider_message_id,
    segments,
    cost_in_millionths
from others
