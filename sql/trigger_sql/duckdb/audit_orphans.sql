-- Which rows belong to nothing that is recorded, or to another account's, in all accounts: none, unless something is
-- wrong. Derived is what the row would have to belong to.
with rows_of_triggers as (
    select
        account,
        trigger_id,
        'step ' || step_order::varchar as subject
    from steps
    union all
    select
        account,
        trigger_id,
        'execution ' || execution_id::varchar as subject
    from executions
    union all
    select
        account,
        trigger_id,
        'contact ' || contact as subject
    from trigger_contacts
    union all
    select distinct
        account,
        trigger_id,
        'ledger' as subject
    from tally
),

rows_of_jobs as (
    select
        account,
        trigger_id,
        execution_id,
        job_id,
        'attempt ' || n::varchar as subject
    from attempts
    union all
    select
        account,
        trigger_id,
        execution_id,
        job_id,
        'event ' || type as subject
    from events
    union all
    select
        account,
        trigger_id,
        execution_id,
        job_id,
        'message ' || provider_message_id || ' of ' || provider as subject
    from other_messages
    union all
    select
        account,
        trigger_id,
        execution_id,
        job_id,
        'message key ' || message_key::varchar as subject
    from message_ids
),

orphans as (
    select
        t.account,
        t.trigger_id,
        null::uuid as execution_id,
        'trigger' as subject,
        'an account' as derived
    from triggers as t
    left join accounts as a on t.account = a.account and t.currency = a.currency
    where a.account is null
    union all
    select
        t.account,
        t.trigger_id,
        null as execution_id,
        'workflow' as subject,
        'steps or channels' as derived
    from triggers as t
    left join steps as s on t.account = s.account and t.trigger_id = s.trigger_id
    where (t.flow_type = 'workflow') <> (s.trigger_id is not null)
    union all
    select
        r.account,
        r.trigger_id,
        null as execution_id,
        r.subject,
        'a trigger' as derived
    from rows_of_triggers as r
    left join triggers as t on r.account = t.account and r.trigger_id = t.trigger_id
    where t.trigger_id is null
    union all
    select
        e.account,
        e.trigger_id,
        e.execution_id,
        'execution' as subject,
        'a step or channel of its trigger' as derived
    from executions as e
    inner join triggers as t on e.account = t.account and e.trigger_id = t.trigger_id
    left join steps as s
        on
            e.account = s.account
            and e.trigger_id = s.trigger_id
            and e.channel = s.channel
            and e.step_id is not distinct from s.step_id
    where coalesce(s.channel, t.trigger_type) <> e.channel
    union all
    select
        j.account,
        j.trigger_id,
        j.execution_id,
        'job ' || j.job_id::varchar as subject,
        'an execution' as derived
    from jobs as j
    left join executions as e
        on j.account = e.account and j.trigger_id = e.trigger_id and j.execution_id = e.execution_id
    where e.execution_id is null
    union all
    select
        r.account,
        r.trigger_id,
        r.execution_id,
        r.subject || ' of job ' || r.job_id::varchar as subject,
        'a job' as derived
    from rows_of_jobs as r
    left join jobs as j
        on
            r.account = j.account
            and r.trigger_id = j.trigger_id
            and r.execution_id = j.execution_id
            and r.job_id = j.job_id
    where j.job_id is null
)

select
    account,
    trigger_id,
    execution_id,
    subject,
    'nothing' as recorded,
    derived
from orphans
order by account, trigger_id, execution_id, subject
