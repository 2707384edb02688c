-- The journal's facts about a job that it does not bring and which is not recorded either: their lines.
with firsts as (
    select distinct
        execution_id,
        job_id
    from staged_journal_jobs
)

select s.line
from staged_journal_targets as s
inner join staged_journal_executions as e on s.execution_id = e.execution_id
left join firsts as f on s.execution_id = f.execution_id and s.job_id = f.job_id
left join jobs as j
    on e.trigger_id = j.trigger_id and s.execution_id = j.execution_id and s.job_id = j.job_id
where s.job_id is not null and f.job_id is null and j.job_id is null
