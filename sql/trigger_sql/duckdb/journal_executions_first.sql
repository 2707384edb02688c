-- Keeps the first line of each of the journal's executions.
delete from staged_journal_executions
where line not in (
    select min(line)
    from staged_journal_executions
    group by execution_id
)
