-- The steps and channels that are due to be planned, the earliest first, each with the values that its run was given
-- for variables.
-- $now: those due by then
-- $trigger_id: those of this trigger; null for all
-- $limit: at most so many
select
    s.account,
    s.trigger_id::varchar as trigger_id,
    s.step_id,
    s.channel,
    s.template_key,
    s.due_at,
    v.variables
from scheduled_steps as s
left join trigger_variables as v on s.account = v.account and s.trigger_id = v.trigger_id
where
    s.due_at <= $now::timestamp
    and ($trigger_id::uuid is null or s.trigger_id = $trigger_id::uuid)
order by s.due_at, s.trigger_id, s.step_order
limit $limit::integer
