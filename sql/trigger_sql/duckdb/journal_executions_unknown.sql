-- The journal's facts whose execution it does not bring and which is not recorded either: their lines.
with named as (
    select
        line,
        execution_id
    from staged_journal_jobs
    union all
    select
        line,
        execution_id
    from staged_journal_targets
)

select n.line
from named as n
left join staged_journal_executions as s on n.execution_id = s.execution_id
where s.execution_id is null
