-- Samples every reason that a job left anew, from the jobs that still have it.
insert into samples
with reasons as (
    select distinct
        trigger_id,
        execution_id,
        old_reason
    from changed_outcomes
    where is_shown and old_reason is not null
)

select
    j.account,
    j.trigger_id,
    j.execution_id,
    j.message as reason,
    j.job_id,
    coalesce(j.address, j.contact) as contact
from jobs as j
inner join reasons as r
    on j.trigger_id = r.trigger_id and j.execution_id = r.execution_id and j.message = r.old_reason
where j.sent_at is null and j.failed_at is null and j.filtered_at is not null
qualify row_number() over (partition by j.execution_id, j.message order by j.job_id) <= 100
