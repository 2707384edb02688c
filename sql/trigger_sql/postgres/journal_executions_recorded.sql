-- Written for PostgreSQL: what is known of an execution before its trigger is kept apart there, in one indexed row.
-- Adds the recorded executions that the journal's facts name to those that it brings itself.
insert into staged_journal_executions
with named as (
    select execution_id
    from staged_journal_jobs
    union
    select execution_id
    from staged_journal_targets
)

select
    e.account,
    e.trigger_id,
    e.execution_id
from execution_ids as e
inner join named as n on e.execution_id = n.execution_id
left join staged_journal_executions as s on e.execution_id = s.execution_id
where s.execution_id is null
