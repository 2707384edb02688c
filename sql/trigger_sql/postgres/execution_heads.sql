-- Written for PostgreSQL: what is known of an execution before its trigger is kept apart there, in one indexed row.
-- Whose some executions are, and where in their triggers.
-- $execution_ids: the executions
select
    account,
    trigger_id,
    execution_id,
    channel,
    step_id,
    flow_type
from execution_ids
where execution_id = any($execution_ids::uuid[])
