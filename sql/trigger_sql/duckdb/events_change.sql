-- The earliest staged event of each job and type that is news: none is recorded, or a later one. What implies delivery
-- counts as `reached`, too.
insert into changed_events
with facts as (
    select
        trigger_id,
        execution_id,
        job_id,
        type,
        occurred_at
    from staged_events
    union all
    select
        trigger_id,
        execution_id,
        job_id,
        'reached' as type,
        occurred_at
    from staged_events
    where type in ('delivered', 'opened', 'clicked', 'read', 'replied', 'complained')
),

earliest as (
    select
        trigger_id,
        execution_id,
        job_id,
        type,
        min(occurred_at) as occurred_at
    from facts
    group by trigger_id, execution_id, job_id, type
)

select
    j.account,
    f.trigger_id,
    f.execution_id,
    f.job_id,
    f.type,
    f.occurred_at,
    e.type is null as is_new
from earliest as f
inner join jobs as j
    on f.trigger_id = j.trigger_id and f.execution_id = j.execution_id and f.job_id = j.job_id
left join events as e
    on
        f.trigger_id = e.trigger_id
        and f.execution_id = e.execution_id
        and f.job_id = e.job_id
        and f.type = e.type
where e.type is null or f.occurred_at < e.occurred_at
