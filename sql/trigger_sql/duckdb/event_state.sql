-- Whose a job is, and which events it has: a row each, one with nulls where there are none, no row without the job.
-- $trigger_id: the execution's trigger
-- $execution_id: the execution
-- $job_id: the job
select
    j.account,
    e.type,
    e.occurred_at
from jobs as j
left join events as e
    on j.trigger_id = e.trigger_id and j.execution_id = e.execution_id and j.job_id = e.job_id
where
    j.trigger_id = $trigger_id::uuid
    and j.execution_id = $execution_id::uuid
    and j.job_id = $job_id::integer
