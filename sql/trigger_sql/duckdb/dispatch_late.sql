-- What the last attempts came to at the jobs of a claim that have no outcome, and were to be tried again, but not this
-- late.
-- $claim_id: the claim
-- $now: the time
select
    c.account,
    c.trigger_id::varchar as trigger_id,
    c.execution_id::varchar as execution_id,
    a.job_id,
    coalesce(a.error_code, 'unknown') as code,
    a.error_message as message,
    a.provider
from claims as c
inner join attempts as a
    on
        c.trigger_id = a.trigger_id
        and c.execution_id = a.execution_id
        and c.first_job_id = a.job_id
        and c.n = a.n + 1
inner join jobs as j on a.trigger_id = j.trigger_id and a.execution_id = j.execution_id and a.job_id = j.job_id
where
    c.claim_id = $claim_id::uuid
    and c.n > 1
    and c.dead_at < $now::timestamp
    and j.sent_at is null
    and j.failed_at is null
    and j.filtered_at is null
    and j.cancelled_at is null
order by c.execution_id, a.job_id
