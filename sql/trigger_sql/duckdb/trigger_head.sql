-- What was said of one trigger when it was made, as `trigger_heads` says it of several: an equality is planned in half
-- the time of a list.
-- $trigger_id: the trigger
select
    account,
    trigger_id,
    flow_type,
    trigger_type,
    trigger_source,
    campaign_name,
    currency,
    created_at,
    scheduled_at,
    workflow_id,
    workflow_name,
    workflow_execution_id,
    workflow_type,
    template_group_id
from triggers
where trigger_id = $trigger_id::uuid
