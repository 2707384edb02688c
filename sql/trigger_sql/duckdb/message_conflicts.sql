-- The staged message ids that lead to another job already: their lines.
select s.line
from staged_messages as s
inner join message_ids as m
    on
        s.account = m.account
        and message_key(s.account, s.provider, s.provider_message_id) = m.message_key
where s.execution_id <> m.execution_id or s.job_id <> m.job_id
