-- What a workflow will go through when it is run, in order.
-- $account: the tenant
-- $workflow_id: the workflow
select
    step_order,
    step_id,
    step_name,
    channel,
    template_key,
    delay_minutes
from workflow_steps
where account = $account and workflow_id = $workflow_id::uuid
order by step_order
