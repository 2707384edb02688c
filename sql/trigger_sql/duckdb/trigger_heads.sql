-- What was said of some triggers when they were made, whichever account they belong to: the account is in the row.
-- $trigger_ids: the triggers
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
where trigger_id in (select unnest($trigger_ids::uuid[]))
