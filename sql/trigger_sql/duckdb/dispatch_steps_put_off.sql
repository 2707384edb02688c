-- Puts off the steps and channels of a trigger that are due.
-- $trigger_id: the trigger
-- $now: those due by then
-- $due_at: until when
update scheduled_steps
set due_at = $due_at::timestamp
where trigger_id = $trigger_id::uuid and due_at <= $now::timestamp
