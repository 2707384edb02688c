-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- Keeps others from changing one job.
-- $trigger_id: the execution's trigger
-- $execution_id: the execution
-- $job_id: the job
select job_id
from jobs
where trigger_id = $trigger_id::uuid and execution_id = $execution_id::uuid and job_id = $job_id::integer
for update
