-- Which message ids of jobs do not lead to their job, which keys of messages belong to none of these, and which message
-- ids that jobs show are among their others, too, in all accounts: none, unless something is wrong.
with named as (
    select
        account,
        trigger_id,
        execution_id,
        job_id,
        provider,
        provider_message_id,
        true as is_shown
    from jobs
    where provider_message_id is not null
    union all
    select
        account,
        trigger_id,
        execution_id,
        job_id,
        provider,
        provider_message_id,
        false as is_shown
    from other_messages
),

messages as (
    select
        account,
        trigger_id,
        execution_id,
        job_id,
        provider,
        provider_message_id,
        message_key(account, provider, provider_message_id) as message_key,
        bool_or(is_shown) and not bool_and(is_shown) as is_twice
    from named
    group by account, trigger_id, execution_id, job_id, provider, provider_message_id
)

select
    coalesce(n.account, m.account) as account,
    coalesce(n.trigger_id, m.trigger_id) as trigger_id,
    coalesce(n.execution_id, m.execution_id) as execution_id,
    coalesce('job of message ' || n.provider_message_id || ' of ' || n.provider, 'key ' || m.message_key::varchar)
        as subject,
    m.execution_id::varchar || '/' || m.job_id::varchar as recorded,
    n.execution_id::varchar || '/' || n.job_id::varchar as derived
from messages as n
full join message_ids as m on n.account = m.account and n.message_key = m.message_key
where
    n.message_key is null
    or m.message_key is null
    or n.execution_id <> m.execution_id
    or n.job_id <> m.job_id
union all
select
    account,
    trigger_id,
    execution_id,
    'message ' || provider_message_id || ' of ' || provider as subject,
    'shown, and among the others' as recorded,
    'shown' as derived
from messages
where is_twice
order by account, trigger_id, execution_id, subject
