-- Every message id that leads to one of some jobs of an execution and is not the one that the job shows.
-- $account: the tenant
-- $trigger_id: the execution's trigger
-- $execution_id: the execution
-- $first: the lowest job_id
-- $last: the highest job_id
select
    job_id,
    provider,
    provider_message_id
from other_messages
where
    account = $account
    and trigger_id = $trigger_id::uuid
    and execution_id = $execution_id::uuid
    and job_id between $first::integer and $last::integer
order by job_id, provider, provider_message_id
