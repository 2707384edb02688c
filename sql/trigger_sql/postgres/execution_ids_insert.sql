-- Written for PostgreSQL: an execution's key contains its trigger there; its id alone is kept apart, and found, here.
-- Keeps which trigger each of some new executions is of.
-- $execution_ids: the executions
-- $trigger_ids: their triggers, in the same order
insert into execution_ids
select
    new.execution_id,
    new.trigger_id
from unnest($execution_ids::uuid[], $trigger_ids::uuid[]) as new (execution_id, trigger_id)
order by new.execution_id
