-- The staged message ids that lead to another job already: their lines.
select s.line
from staged_messages as s
inner join message_ids as m
    on
        s.account = m.account
        and s.provider = m.provider
        and s.provider_message_id = m.provider_message_id
where s.execution_id <> m.execution_id or s.job_id <> m.job_id
