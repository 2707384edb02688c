-- Which shown message ids do not lead to their job, and which message ids are not found by their own key, in all
-- accounts: none, unless something is wrong.
select
    j.account,
    j.trigger_id,
    j.execution_id,
    'job of message ' || j.provider_message_id || ' of ' || j.provider as subject,
    m.execution_id::varchar || '/' || m.job_id::varchar as recorded,
    j.execution_id::varchar || '/' || j.job_id::varchar as derived
from jobs as j
left join message_ids as m
    on
        j.account = m.account
        and message_key(j.account, j.provider, j.provider_message_id) = m.message_key
where
    j.provider_message_id is not null
    and (m.job_id is null or j.execution_id <> m.execution_id or j.job_id <> m.job_id)
union all
select
    account,
    trigger_id,
    execution_id,
    'key of message ' || provider_message_id || ' of ' || provider as subject,
    message_key::varchar as recorded,
    message_key(account, provider, provider_message_id)::varchar as derived
from message_ids
where message_key <> message_key(account, provider, provider_message_id)
order by account, trigger_id, execution_id, subject
