-- A page of all triggers, by trigger_id.
-- $behind: only those behind this trigger_id
-- $limit: at most so many
select trigger_id
from triggers
where trigger_id > $behind::uuid
order by trigger_id
limit $limit::integer
