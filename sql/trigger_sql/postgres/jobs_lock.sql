-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- Keeps others from changing the jobs that the staged attempts, outcomes and events are about, and those that workers
-- have in hand of triggers that are cancelled.
with named as (
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
)

select j.job_id
from jobs as j
inner join named as n on j.trigger_id = n.trigger_id and j.execution_id = n.execution_id and j.job_id = n.job_id
order by j.trigger_id, j.execution_id, j.job_id
for update of j
