-- Takes the jobs that are recorded already off the staged ones.
delete from staged_jobs
using jobs as j
where
    staged_jobs.trigger_id = j.trigger_id
    and staged_jobs.execution_id = j.execution_id
    and staged_jobs.job_id = j.job_id
