-- Whose one execution is, as `execution_heads` says it of several: an equality is planned in half the time of a list.
-- $execution_id: the execution
select
    e.account,
    e.trigger_id,
    e.execution_id,
    e.channel,
    e.step_id,
    t.flow_type
from executions as e
inner join triggers as t on e.trigger_id = t.trigger_id
where e.execution_id = $execution_id::uuid
