-- How often some jobs of an execution were tried, and when the last of those tries said the next would be.
-- $account: the tenant
-- $trigger_id: the execution's trigger
-- $execution_id: the execution
-- $first: the lowest job_id
-- $last: the highest job_id
select
    job_id,
    count(*) over (partition by job_id) as attempts,
    next_attempt_at
from attempts
where
    account = $account
    and trigger_id = $trigger_id::uuid
    and execution_id = $execution_id::uuid
    and job_id between $first::integer and $last::integer
qualify row_number() over (partition by job_id order by n desc) = 1
