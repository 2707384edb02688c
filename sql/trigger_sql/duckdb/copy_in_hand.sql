-- How many jobs of some triggers workers have in hand.
-- $trigger_ids: the triggers
select coalesce(sum(last_job_id - first_job_id + 1), 0)::bigint as in_hand
from claims
where trigger_id in (select unnest($trigger_ids::uuid[]))
