-- What the staged executions were planned to: how many jobs each has for each filter reason, or pending where that is
-- null, and the first and the last of them.
select
    j.execution_id::varchar as execution_id,
    j.message as reason,
    count(*) as jobs,
    min(j.job_id) as first_job_id,
    max(j.job_id) as last_job_id
from staged_plans as p
inner join jobs as j on p.trigger_id = j.trigger_id and p.execution_id = j.execution_id
group by j.execution_id, j.message
