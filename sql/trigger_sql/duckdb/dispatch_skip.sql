-- Moves on what is claimed of executions to their next job without an outcome, where a claim found none.
-- $claim_id: the claim
update dispatches
set claimed_through = n.claimed_through
from (
    select
        d.trigger_id,
        d.execution_id,
        coalesce(min(j.job_id) - 1, d.last_job_id) as claimed_through
    from claims as c
    inner join dispatches as d on c.trigger_id = d.trigger_id and c.execution_id = d.execution_id
    left join jobs as j
        on
            d.trigger_id = j.trigger_id
            and d.execution_id = j.execution_id
            and d.claimed_through < j.job_id
            and d.last_job_id >= j.job_id
            and j.sent_at is null
            and j.failed_at is null
            and j.filtered_at is null
            and j.cancelled_at is null
    where c.claim_id = $claim_id::uuid
    group by d.trigger_id, d.execution_id, d.last_job_id
) as n
where dispatches.trigger_id = n.trigger_id and dispatches.execution_id = n.execution_id
