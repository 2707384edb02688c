-- Which jobs of an execution a sender has in hand.
-- $account: the tenant
-- $trigger_id: the execution's trigger
-- $execution_id: the execution
select j.job_id
from claims as c
inner join jobs as j
    on
        c.account = j.account
        and c.trigger_id = j.trigger_id
        and c.execution_id = j.execution_id
        and j.job_id between c.first_job_id and c.last_job_id
where
    c.account = $account
    and c.trigger_id = $trigger_id::uuid
    and c.execution_id = $execution_id::uuid
    and j.sent_at is null
    and j.failed_at is null
    and j.filtered_at is null
    and j.cancelled_at is null
order by j.job_id
