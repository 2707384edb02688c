-- Which events a job has: a row each, and one with nulls for the job itself, so that no row says that there is no job.
-- What leaves the fewest rows stands first: DuckDB filters in this order.
-- $account: the tenant
-- $trigger_id: the execution's trigger
-- $execution_id: the execution
-- $job_id: the job
select
    null as type,
    null as occurred_at
from jobs
where
    job_id = $job_id::integer
    and trigger_id = $trigger_id::uuid
    and execution_id = $execution_id::uuid
    and account = $account
union all
select
    type,
    occurred_at
from events
where
    job_id = $job_id::integer
    and trigger_id = $trigger_id::uuid
    and execution_id = $execution_id::uuid
    and account = $account
