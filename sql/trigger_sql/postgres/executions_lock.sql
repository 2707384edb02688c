-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- Keeps others from changing the staged executions.
select e.execution_id
from executions as e
inner join staged_executions as s on e.trigger_id = s.trigger_id and e.execution_id = s.execution_id
order by e.trigger_id, e.execution_id
for update of e
