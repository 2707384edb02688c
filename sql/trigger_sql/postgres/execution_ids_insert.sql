-- Written for PostgreSQL: an execution's key contains its trigger there; its id alone is kept apart, and found, here.
-- Keeps whose some new executions are, and where in their triggers.
-- $execution_ids: the executions
-- $trigger_ids: their triggers, in the same order, as all that follows
-- $accounts: whose they are
-- $channels: their channels
-- $step_ids: their steps, null where there is none
-- $flow_types: their triggers' flow types
insert into execution_ids
select
    new.execution_id,
    new.trigger_id,
    new.account,
    new.channel,
    new.step_id,
    new.flow_type
from
    unnest(
        $execution_ids::uuid[],
        $trigger_ids::uuid[],
        $accounts::text[],
        $channels::text[],
        $step_ids::text[],
        $flow_types::text[]
    ) as new (execution_id, trigger_id, account, channel, step_id, flow_type)
order by new.execution_id
