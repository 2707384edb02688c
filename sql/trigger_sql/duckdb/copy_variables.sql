-- The values that requests gave for variables of some triggers.
-- $trigger_ids: the triggers
select
    account,
    trigger_id,
    variables
from trigger_variables
where trigger_id in (select unnest($trigger_ids::uuid[]))
order by trigger_id
