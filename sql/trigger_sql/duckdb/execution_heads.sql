-- Whose some executions are, and where in their triggers: a look-up by execution finds its trigger here first.
-- $execution_ids: the executions
select
    e.account,
    e.trigger_id,
    e.execution_id,
    e.channel,
    e.step_id,
    t.flow_type
from executions as e
inner join triggers as t on e.trigger_id = t.trigger_id
where e.execution_id in (select unnest($execution_ids::uuid[]))
