-- The journal's message ids that lead to another job already, as recorded or by an earlier line: their lines.
with placed as (
    select
        s.line,
        e.account,
        s.provider,
        s.provider_message_id,
        s.execution_id,
        s.job_id
    from staged_journal_messages as s
    inner join staged_journal_executions as e on s.execution_id = e.execution_id
),

firsts as (
    select *
    from placed
    qualify row_number() over (partition by account, provider, provider_message_id order by line) = 1
),

known as (
    select
        f.account,
        f.provider,
        f.provider_message_id,
        coalesce(m.execution_id, f.execution_id) as execution_id,
        coalesce(m.job_id, f.job_id) as job_id
    from firsts as f
    left join message_ids as m
        on
            f.account = m.account
            and message_key(f.account, f.provider, f.provider_message_id) = m.message_key
)

select p.line
from placed as p
inner join known as k
    on p.account = k.account and p.provider = k.provider and p.provider_message_id = k.provider_message_id
where p.execution_id <> k.execution_id or p.job_id <> k.job_id
