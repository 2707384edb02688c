-- Keeps the jobs that became filtered among the first contacts of their reason: those that come before one that is kept,
-- and those among the hundred lowest job_ids. What is kept is so always the beginning of all that have the reason.
insert into samples
with reasons as (
    select distinct
        trigger_id,
        execution_id,
        message
    from changed_outcomes
    where is_shown and outcome = 'filtered'
),

candidates as (
    select
        account,
        trigger_id,
        execution_id,
        message as reason,
        job_id,
        contact,
        true as is_new
    from changed_outcomes
    where is_shown and outcome = 'filtered' and (old_reason is null or old_reason <> message)
    union all
    select
        s.account,
        s.trigger_id,
        s.execution_id,
        s.reason,
        s.job_id,
        s.contact,
        false as is_new
    from samples as s
    inner join reasons as r
        on s.trigger_id = r.trigger_id and s.execution_id = r.execution_id and s.reason = r.message
),

placed as (
    select
        *,
        row_number() over (partition by execution_id, reason order by job_id) as place,
        max(case when not is_new then job_id end) over (partition by execution_id, reason) as last_kept
    from candidates
)

select
    account,
    trigger_id,
    execution_id,
    reason,
    job_id,
    contact
from placed
where is_new and (place <= 100 or job_id < last_kept)
