-- Which jobs of an execution a sender has in hand.
-- $account: the tenant
-- $trigger_id: the execution's trigger
-- $execution_id: the execution
with members as (
    select unnest(generate_series(first_job_id, last_job_id))::integer as job_id
    from claims
    where account = $account and trigger_id = $trigger_id::uuid and execution_id = $execution_id::uuid
)

select j.job_id
from members as c
inner join jobs as j on c.job_id = j.job_id
where
    j.account = $account
    and j.trigger_id = $trigger_id::uuid
    and j.execution_id = $execution_id::uuid
    and j.sent_at is null
    and j.failed_at is null
    and j.filtered_at is null
    and j.cancelled_at is null
order by j.job_id
