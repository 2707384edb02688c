-- The executions of some triggers with jobs that nobody has claimed yet.
-- $trigger_ids: the triggers
select
    account,
    trigger_id,
    execution_id,
    channel,
    due_at,
    claimed_through,
    last_job_id
from dispatches
where trigger_id in (select unnest($trigger_ids::uuid[]))
order by execution_id
