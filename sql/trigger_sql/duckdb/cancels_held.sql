-- Counts, where a trigger is cancelled for the first time, its jobs that workers have in hand: these stay pending until
-- their own outcome.
with members as (
    select
        c.trigger_id,
        c.claim_id,
        c.execution_id,
        c.first_job_id,
        unnest(generate_series(c.first_job_id, c.last_job_id))::integer as job_id
    from staged_cancels as s
    inner join triggers as t on s.trigger_id = t.trigger_id
    inner join claims as c on s.trigger_id = c.trigger_id
    where t.cancelled_at is null
),

counted as (
    select
        m.trigger_id,
        m.claim_id,
        m.execution_id,
        m.first_job_id,
        count(*) as held
    from members as m
    inner join jobs as j on m.trigger_id = j.trigger_id and m.execution_id = j.execution_id and m.job_id = j.job_id
    where j.sent_at is null and j.failed_at is null and j.filtered_at is null and j.cancelled_at is null
    group by m.trigger_id, m.claim_id, m.execution_id, m.first_job_id
)

update claims
set held = h.held
from counted as h
where
    claims.trigger_id = h.trigger_id
    and claims.claim_id = h.claim_id
    and claims.execution_id = h.execution_id
    and claims.first_job_id = h.first_job_id
