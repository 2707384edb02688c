-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- Keeps others from cancelling the staged triggers.
select t.trigger_id
from triggers as t
inner join staged_cancels as s on t.trigger_id = s.trigger_id
order by t.trigger_id
for update of t
