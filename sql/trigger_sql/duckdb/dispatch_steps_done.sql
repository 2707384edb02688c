-- Takes the steps and channels of some executions off those still to come.
-- $trigger_ids: the executions' triggers
-- $execution_ids: the executions
delete from scheduled_steps
using executions as e
where
    scheduled_steps.trigger_id in (select unnest($trigger_ids::uuid[]))
    and scheduled_steps.trigger_id = e.trigger_id
    and scheduled_steps.channel = e.channel
    and scheduled_steps.step_id is not distinct from e.step_id
    and e.execution_id in (select unnest($execution_ids::uuid[]))
