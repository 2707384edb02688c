-- The steps, or a template group's channels, of some triggers, in order.
-- $trigger_ids: the triggers
select
    trigger_id,
    step_id,
    step_order,
    step_name,
    channel,
    delay_minutes
from steps
where trigger_id in (select unnest($trigger_ids::uuid[]))
order by trigger_id, step_order
