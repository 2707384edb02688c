-- Written for PostgreSQL: an execution is found through its trigger there, and that by one indexed row.
-- Whose some executions are, and where in their triggers.
-- $execution_ids: the executions
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
where i.execution_id = any($execution_ids::uuid[])
