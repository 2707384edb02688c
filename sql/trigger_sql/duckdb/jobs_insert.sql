-- Records the staged jobs, in the order that keeps an execution's jobs together.
insert into jobs (account, trigger_id, execution_id, job_id, contact, address)
select
    account,
    trigger_id,
    execution_id,
    job_id,
    contact,
    address
from staged_jobs
order by trigger_id, execution_id, job_id
