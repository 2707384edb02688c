-- Which triggers' answers the staged events change.
select distinct trigger_id
from changed_events
where is_known
