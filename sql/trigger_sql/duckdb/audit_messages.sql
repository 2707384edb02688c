-- Which shown message ids do not lead to their job, in all accounts: none, unless something is wrong.
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
order by j.account, j.trigger_id, j.execution_id, j.job_id
