-- Which events are parked though their job or message is recorded, in all accounts: none, unless something is wrong. An
-- event that names another account's job stays parked for good.
with known as (
    select
        j.account,
        j.trigger_id,
        j.execution_id,
        j.job_id,
        p.event_id,
        p.type
    from parked_events as p
    inner join jobs as j on p.execution_id = j.execution_id and p.job_id = j.job_id
    where coalesce(p.account = j.account, true)
    union all
    select
        m.account,
        m.trigger_id,
        m.execution_id,
        m.job_id,
        p.event_id,
        p.type
    from parked_events as p
    inner join message_ids as m
        on
            p.account = m.account
            and message_key(p.account, p.provider, p.provider_message_id) = m.message_key
)

select
    account,
    trigger_id,
    execution_id,
    'event ' || event_id || ' of job ' || job_id::varchar as subject,
    'parked' as recorded,
    type as derived
from known
order by account, trigger_id, execution_id, subject
