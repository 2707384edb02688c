-- Counts, where a trigger is cancelled for the first time, its jobs that workers have in hand: these stay pending until
-- their own outcome.
update claims
set held = h.held
from (
    select
        c.claim_id,
        c.execution_id,
        c.first_job_id,
        count(*) as held
    from staged_cancels as s
    inner join triggers as t on s.trigger_id = t.trigger_id
    inner join claims as c on s.trigger_id = c.trigger_id
    inner join jobs as j
        on
            c.trigger_id = j.trigger_id
            and c.execution_id = j.execution_id
            and j.job_id between c.first_job_id and c.last_job_id
    where
        t.cancelled_at is null
        and j.sent_at is null
        and j.failed_at is null
        and j.filtered_at is null
        and j.cancelled_at is null
    group by c.claim_id, c.execution_id, c.first_job_id
) as h
where
    claims.trigger_id in (select s.trigger_id from staged_cancels as s)
    and claims.claim_id = h.claim_id
    and claims.execution_id = h.execution_id
    and claims.first_job_id = h.first_job_id
