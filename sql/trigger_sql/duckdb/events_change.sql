-- The earliest staged event of each job and type that is news: none is recorded, or a later one. What implies delivery
-- counts as `reached`, too, which is never recorded itself: it was first when the earliest of those was.
insert into changed_events
with staged as (
    select
        trigger_id,
        execution_id,
        job_id,
        type,
        min(occurred_at) as occurred_at
    from staged_events
    group by trigger_id, execution_id, job_id, type
),

targets as (
    select distinct
        trigger_id,
        execution_id,
        job_id
    from staged
),

recorded as (
    select
        e.trigger_id,
        e.execution_id,
        e.job_id,
        e.type,
        e.occurred_at
    from targets as t
    inner join events as e
        on t.trigger_id = e.trigger_id and t.execution_id = e.execution_id and t.job_id = e.job_id
),

facts as (
    select
        trigger_id,
        execution_id,
        job_id,
        type,
        occurred_at,
        true as is_staged
    from staged
    union all
    select
        trigger_id,
        execution_id,
        job_id,
        type,
        occurred_at,
        false as is_staged
    from recorded
),

held as (
    select
        trigger_id,
        execution_id,
        job_id,
        type,
        min(occurred_at) filter (where is_staged) as occurred_at,
        min(occurred_at) filter (where not is_staged) as old_at
    from facts
    group by trigger_id, execution_id, job_id, type
    union all
    select
        trigger_id,
        execution_id,
        job_id,
        'reached' as type,
        min(occurred_at) filter (where is_staged) as occurred_at,
        min(occurred_at) filter (where not is_staged) as old_at
    from facts
    where type in ('delivered', 'opened', 'clicked', 'read', 'replied', 'complained')
    group by trigger_id, execution_id, job_id
)

select
    j.account,
    h.trigger_id,
    h.execution_id,
    h.job_id,
    h.type,
    h.occurred_at,
    h.old_at is null as is_new
from held as h
inner join jobs as j
    on h.trigger_id = j.trigger_id and h.execution_id = j.execution_id and h.job_id = j.job_id
where h.occurred_at < coalesce(h.old_at, 'infinity'::timestamp)
