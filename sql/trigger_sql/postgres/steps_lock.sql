-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- Keeps others from planning steps of the staged triggers.
select w.step_order
from scheduled_steps as w
inner join staged_cancels as s on w.trigger_id = s.trigger_id
order by w.trigger_id, w.step_order
for update of w
