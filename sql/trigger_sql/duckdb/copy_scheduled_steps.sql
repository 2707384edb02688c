-- The steps and channels of some triggers whose jobs aren't planned yet.
-- $trigger_ids: the triggers
select
    account,
    trigger_id,
    step_order,
    step_id,
    channel,
    template_key,
    due_at
from scheduled_steps
where trigger_id in (select unnest($trigger_ids::uuid[]))
order by trigger_id, step_order
