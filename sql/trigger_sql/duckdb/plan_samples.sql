-- Keeps the first contacts of each reason for which jobs of the staged executions were filtered.
insert into samples
select
    j.account,
    j.trigger_id,
    j.execution_id,
    j.message as reason,
    j.job_id,
    coalesce(j.address, j.contact) as contact
from staged_plans as p
inner join jobs as j on p.trigger_id = j.trigger_id and p.execution_id = j.execution_id
where j.filtered_at is not null
qualify row_number() over (partition by j.execution_id, j.message order by j.job_id) <= 100
