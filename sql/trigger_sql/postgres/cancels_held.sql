-- Written for PostgreSQL: of a series of numbers, or a join, its planner expects so much that it would read all jobs.
-- Counts, where a trigger is cancelled for the first time, its jobs that workers have in hand: these stay pending until
-- their own outcome.
with counted as (
    select
        c.trigger_id,
        c.claim_id,
        c.execution_id,
        c.first_job_id,
        h.held
    from staged_cancels as s
    inner join triggers as t on s.trigger_id = t.trigger_id
    inner join claims as c on s.trigger_id = c.trigger_id
    cross join
        lateral (
            select count(*) as held
            from jobs as j
            where
                j.trigger_id = c.trigger_id
                and j.execution_id = c.execution_id
                and j.job_id between c.first_job_id and c.last_job_id
                and j.sent_at is null
                and j.failed_at is null
                and j.filtered_at is null
                and j.cancelled_at is null
        ) as h
    where t.cancelled_at is null and h.held > 0
)

update claims
set held = h.held
from counted as h
where
    claims.trigger_id = h.trigger_id
    and claims.claim_id = h.claim_id
    and claims.execution_id = h.execution_id
    and claims.first_job_id = h.first_job_id
