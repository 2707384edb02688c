-- The executions of a trigger, with what was said of them since.
-- $account: the tenant
-- $trigger_id: the trigger
select
    execution_id,
    channel,
    step_id,
    expected_jobs,
    started_at
from executions
where account = $account and trigger_id = $trigger_id::uuid
order by execution_id
