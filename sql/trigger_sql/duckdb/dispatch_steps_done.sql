-- Takes the staged executions' steps off those still to come.
delete from scheduled_steps
using executions as e, staged_plans as p
where
    scheduled_steps.trigger_id = p.trigger_id
    and e.trigger_id = p.trigger_id
    and e.execution_id = p.execution_id
    and scheduled_steps.channel = e.channel
    and scheduled_steps.step_id is not distinct from e.step_id
