-- The journal's jobs that say something else than the job recorded, or than its first line where none is: their lines,
-- and the field.
with firsts as (
    select
        execution_id,
        job_id,
        contact,
        address
    from staged_journal_jobs
    qualify row_number() over (partition by execution_id, job_id order by line) = 1
),

known as (
    select
        f.execution_id,
        f.job_id,
        coalesce(j.contact, f.contact) as contact,
        case when j.job_id is null then f.address else j.address end as address
    from firsts as f
    inner join staged_journal_executions as e on f.execution_id = e.execution_id
    left join jobs as j
        on e.trigger_id = j.trigger_id and f.execution_id = j.execution_id and f.job_id = j.job_id
)

select
    s.line,
    case when s.contact = k.contact then 'address' else 'contact' end as field
from staged_journal_jobs as s
inner join known as k on s.execution_id = k.execution_id and s.job_id = k.job_id
where s.contact <> k.contact or s.address is distinct from k.address
