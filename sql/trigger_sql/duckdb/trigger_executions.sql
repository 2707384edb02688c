-- The executions of some triggers, as `execution_heads` gives them.
-- $trigger_ids: the triggers
select
    e.account,
    e.trigger_id,
    e.execution_id,
    e.channel,
    e.step_id,
    t.flow_type
from executions as e
inner join triggers as t on e.trigger_id = t.trigger_id
where e.trigger_id in (select unnest($trigger_ids::uuid[]))
