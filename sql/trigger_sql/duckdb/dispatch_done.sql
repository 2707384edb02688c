-- Forgets executions of which all jobs were claimed.
delete from dispatches
where claimed_through >= last_job_id
