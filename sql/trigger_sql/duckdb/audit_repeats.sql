-- Which keys that the database does not guard itself are there more than once, in all accounts: none, unless something
-- is wrong. Recorded is how many times.
with keys as (
    select
        account,
        trigger_id,
        null::uuid as execution_id,
        'trigger of this id' as subject
    from triggers
    union all
    select
        account,
        trigger_id,
        execution_id,
        'execution of this id' as subject
    from executions
    union all
    select
        account,
        trigger_id,
        null as execution_id,
        'step ' || coalesce(step_id, channel) as subject
    from steps
    union all
    select
        account,
        trigger_id,
        null as execution_id,
        'step_order ' || step_order::varchar as subject
    from steps
    union all
    select
        account,
        trigger_id,
        null as execution_id,
        'execution for ' || coalesce(step_id, channel) as subject
    from executions
    union all
    select
        account,
        trigger_id,
        null as execution_id,
        'contact ' || contact as subject
    from trigger_contacts
),

repeats as (
    select
        account,
        trigger_id,
        execution_id,
        subject,
        count(*) as repeats
    from keys
    group by account, trigger_id, execution_id, subject
    having count(*) > 1
    union all
    select
        account,
        trigger_id,
        execution_id,
        'job ' || job_id::varchar as subject,
        count(*) as repeats
    from jobs
    group by account, trigger_id, execution_id, job_id
    having count(*) > 1
    union all
    select
        account,
        trigger_id,
        execution_id,
        'attempt ' || n::varchar || ' of job ' || job_id::varchar as subject,
        count(*) as repeats
    from attempts
    group by account, trigger_id, execution_id, job_id, n
    having count(*) > 1
    union all
    select
        account,
        trigger_id,
        execution_id,
        'event ' || type || ' of job ' || job_id::varchar as subject,
        count(*) as repeats
    from events
    group by account, trigger_id, execution_id, job_id, type
    having count(*) > 1
    union all
    select
        account,
        trigger_id,
        execution_id,
        'sample of job ' || job_id::varchar || ' for reason ' || reason as subject,
        count(*) as repeats
    from samples
    group by account, trigger_id, execution_id, job_id, reason
    having count(*) > 1
    union all
    select
        account,
        trigger_id,
        execution_id,
        'message ' || provider_message_id || ' of ' || provider || ' of job ' || job_id::varchar as subject,
        count(*) as repeats
    from other_messages
    group by account, trigger_id, execution_id, job_id, provider, provider_message_id
    having count(*) > 1
    union all
    select
        account,
        null as trigger_id,
        null as execution_id,
        'message key ' || message_key::varchar as subject,
        count(*) as repeats
    from message_ids
    group by account, message_key
    having count(*) > 1
    union all
    select
        account,
        null as trigger_id,
        execution_id,
        'parked event ' || event_id as subject,
        count(*) as repeats
    from parked_events
    group by account, event_id, execution_id, job_id, provider, provider_message_id, type, occurred_at
    having count(*) > 1
)

select
    account,
    trigger_id,
    execution_id,
    subject,
    repeats::varchar as recorded,
    '1' as derived
from repeats
order by account, trigger_id, execution_id, subject
