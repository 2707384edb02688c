-- The jobs of some triggers that are to be tried again.
-- $trigger_ids: the triggers
select
    account,
    trigger_id,
    execution_id,
    channel,
    job_id,
    n,
    due_at,
    dead_at
from retries
where trigger_id in (select unnest($trigger_ids::uuid[]))
order by execution_id, job_id
