-- A page of an execution's jobs, by job_id, as they are recorded.
-- $account: the tenant
-- $trigger_id: the execution's trigger
-- $execution_id: the execution
-- $after: the page begins behind this job_id; 0 for the first
-- $limit: at most so many
select
    job_id,
    contact,
    address,
    sent_at,
    failed_at,
    filtered_at,
    cancelled_at,
    last_outcome_at,
    code,
    message,
    provider,
    provider_message_id,
    segments,
    cost
from jobs
where
    account = $account
    and trigger_id = $trigger_id::uuid
    and execution_id = $execution_id::uuid
    and job_id > $after::integer
order by job_id
limit $limit::integer
