-- Written for PostgreSQL: an execution is found through its trigger there, and that by one indexed row.
-- Whose an execution is, and where in its trigger, as `execution_heads` says it of several.
-- $execution_id: the execution
select
    e.account,
    e.trigger_id,
    e.execution_id,
    e.channel,
    e.step_id,
    t.flow_type
from execution_ids as i
inner join executions as e on i.trigger_id = e.trigger_id and i.execution_id = e.execution_id
inner join triggers as t on e.trigger_id = t.trigger_id
where i.execution_id = $execution_id::uuid
