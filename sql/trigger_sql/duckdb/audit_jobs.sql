-- Which jobs contradict themselves, in all accounts: none, unless something is wrong. The latest outcome is not before
-- any other and is there exactly where there is one; a filtered job has a code and a reason, a failed one an error, any
-- other neither.
with shown as (
    select
        *,
        greatest(sent_at, failed_at, filtered_at, cancelled_at) as latest_at,
        sent_at is null and (failed_at is not null or filtered_at is not null) as is_explained
    from jobs
),

wrong as (
    select
        account,
        trigger_id,
        execution_id,
        job_id,
        'latest outcome' as member,
        last_outcome_at::varchar as recorded,
        latest_at::varchar as derived
    from shown
    where coalesce(last_outcome_at < latest_at, (last_outcome_at is null) <> (latest_at is null))
    union all
    select
        account,
        trigger_id,
        execution_id,
        job_id,
        'code' as member,
        code as recorded,
        case when is_explained then 'one' end as derived
    from shown
    where is_explained <> (code is not null)
    union all
    select
        account,
        trigger_id,
        execution_id,
        job_id,
        'reason or error' as member,
        message as recorded,
        case when is_explained then 'one' end as derived
    from shown
    where is_explained <> (message is not null)
)

select
    account,
    trigger_id,
    execution_id,
    'job ' || job_id::varchar || ' ' || member as subject,
    recorded,
    derived
from wrong
order by account, trigger_id, execution_id, job_id, member
