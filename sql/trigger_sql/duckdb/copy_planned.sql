-- A page of an execution's jobs that are still to be sent, with what was planned of them.
-- $account: the tenant
-- $trigger_id: the execution's trigger
-- $execution_id: the execution
-- $after: only jobs behind this job_id
-- $limit: at most so many
select
    account,
    trigger_id,
    execution_id,
    job_id,
    variant_id,
    planned_segments,
    planned_cost,
    variables
from jobs
where
    account = $account
    and trigger_id = $trigger_id::uuid
    and execution_id = $execution_id::uuid
    and job_id > $after::integer
    and last_outcome_at is null
    and variant_id is not null
order by job_id
limit $limit::integer
