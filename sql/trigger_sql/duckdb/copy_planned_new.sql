-- Of which executions jobs are staged that weren't planned here before.
select distinct
    s.trigger_id,
    s.execution_id
from staged_planned as s
inner join jobs as j
    on s.trigger_id = j.trigger_id and s.execution_id = j.execution_id and s.job_id = j.job_id
where j.variant_id is null
