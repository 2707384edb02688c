-- Whether any step or channel is due to be planned: one row if so.
-- $now: due by then
select true as is_due
from scheduled_steps
where due_at <= $now::timestamp
limit 1
