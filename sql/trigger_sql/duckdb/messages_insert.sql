-- Keeps which job each staged message id leads to.
insert into message_ids
select
    s.account,
    s.provider,
    s.provider_message_id,
    s.trigger_id,
    s.execution_id,
    s.job_id
from staged_messages as s
left join message_ids as m
    on
        s.account = m.account
        and s.provider = m.provider
        and s.provider_message_id = m.provider_message_id
where m.account is null
