-- Which runs of workflows have steps or channels that are due to be planned.
-- $now: those due by then
-- $limit: at most so many
select distinct trigger_id::varchar as trigger_id
from scheduled_steps
where due_at <= $now::timestamp
limit $limit::integer
