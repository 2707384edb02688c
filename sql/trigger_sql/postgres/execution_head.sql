-- Written for PostgreSQL: what is known of an execution before its trigger is kept apart there, in one indexed row.
-- Whose an execution is, and where in its trigger, as `execution_heads` says it of several.
-- $execution_id: the execution
select
    account,
    trigger_id,
    execution_id,
    channel,
    step_id,
    flow_type
from execution_ids
where execution_id = $execution_id::uuid
