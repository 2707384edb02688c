-- The staged jobs that say something else than the job already recorded: their lines, and the field.
select
    s.line,
    case when s.contact = j.contact then 'address' else 'contact' end as field
from staged_jobs as s
inner join jobs as j
    on s.trigger_id = j.trigger_id and s.execution_id = j.execution_id and s.job_id = j.job_id
where s.contact <> j.contact or s.address is distinct from j.address
