-- The earliest staged event of each job and type that is news: none is recorded, or a later one. What implies delivery
-- counts as `reached`, too, which is never recorded itself: it was first when the earliest of those was. Where there is
-- no such job, all that is staged of it is here. n is how many staged events say so.
insert into changed_events
with signs as (
    select
        trigger_id,
        execution_id,
        job_id,
        unnest(
            case
                when type in ('delivered', 'opened', 'clicked', 'read', 'replied', 'complained') then [type, 'reached']
                else [type]
            end
        ) as type,
        occurred_at
    from staged_events
),

staged as (
    select
        trigger_id,
        execution_id,
        job_id,
        type,
        min(occurred_at) as occurred_at,
        count(*) as n
    from signs
    group by trigger_id, execution_id, job_id, type
),

held as (
    select
        s.trigger_id,
        s.execution_id,
        s.job_id,
        s.type,
        s.occurred_at,
        s.n,
        min(e.occurred_at) filter (
            where e.type = s.type
            or (s.type = 'reached' and e.type in ('delivered', 'opened', 'clicked', 'read', 'replied', 'complained'))
        ) as old_at
    from staged as s
    left join events as e
        on s.trigger_id = e.trigger_id and s.execution_id = e.execution_id and s.job_id = e.job_id
    group by s.trigger_id, s.execution_id, s.job_id, s.type, s.occurred_at, s.n
)

select
    j.account,
    h.trigger_id,
    h.execution_id,
    h.job_id,
    h.type,
    h.occurred_at,
    h.n,
    j.job_id is not null as is_known,
    h.old_at is null as is_new
from held as h
left join jobs as j
    on h.trigger_id = j.trigger_id and h.execution_id = j.execution_id and h.job_id = j.job_id
where h.occurred_at < coalesce(h.old_at, 'infinity'::timestamp)
