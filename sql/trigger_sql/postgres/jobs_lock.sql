-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- Keeps others from changing the jobs that the staged attempts, outcomes and events are about, and those that workers
-- have in hand of triggers that are cancelled. Outcomes alone lock their jobs when they are recorded, unless new jobs
-- are to be added before, or there is still something to send of a trigger, so that it may be cancelled with jobs in
-- hand.
with works as (
    select 1 as work
    from staged_places as p
    inner join dispatches as d on p.trigger_id = d.trigger_id
    union all
    select 1 as work
    from staged_places as p
    inner join retries as r on p.trigger_id = r.trigger_id
    union all
    select 1 as work
    from staged_places as p
    inner join claims as c on p.trigger_id = c.trigger_id
    union all
    select 1 as work
    from staged_jobs
    union all
    select 1 as work
    from staged_attempts
    union all
    select 1 as work
    from staged_events
    union all
    select 1 as work
    from staged_cancels
),

named as (
    select
        trigger_id,
        execution_id,
        job_id
    from staged_attempts
    union
    select
        p.trigger_id,
        p.execution_id,
        s.job_id
    from staged_outcomes as s
    inner join staged_places as p on s.place = p.place
    where exists (select 1 from works)
    union
    select
        trigger_id,
        execution_id,
        job_id
    from staged_events
    union
    -- A range, not a series of numbers: of that the planner expects so many that it would read all jobs.
    select
        i.trigger_id,
        i.execution_id,
        i.job_id
    from staged_cancels as s
    inner join claims as c on s.trigger_id = c.trigger_id
    inner join jobs as i
        on
            c.trigger_id = i.trigger_id
            and c.execution_id = i.execution_id
            and i.job_id between c.first_job_id and c.last_job_id
),

-- One after the other, in the order of their keys and each by its key, whatever the planner expects.
ordered as materialized (
    select *
    from named
    order by trigger_id, execution_id, job_id
)

select j.job_id
from ordered as n
cross join lateral (
    select f.job_id
    from jobs as f
    where n.trigger_id = f.trigger_id and n.execution_id = f.execution_id and n.job_id = f.job_id
    for update
) as j
