-- Lays the staged executions out for workers, as far as they have jobs to send.
insert into dispatches
select
    p.account,
    p.trigger_id,
    p.execution_id,
    p.channel,
    p.due_at,
    min(j.job_id) - 1 as claimed_through,
    max(j.job_id) as last_job_id
from staged_plans as p
inner join jobs as j on p.trigger_id = j.trigger_id and p.execution_id = j.execution_id
where j.filtered_at is null
group by p.account, p.trigger_id, p.execution_id, p.channel, p.due_at
