-- Takes off the steps still to come those that are due but that somebody else recorded an execution for: what a host
-- recorded is never sent. A row for each.
-- $now: those due by then
delete from scheduled_steps
using executions as e
where
    scheduled_steps.due_at <= $now::timestamp
    and scheduled_steps.trigger_id = e.trigger_id
    and scheduled_steps.channel = e.channel
    and scheduled_steps.step_id is not distinct from e.step_id
returning scheduled_steps.trigger_id::varchar as trigger_id
