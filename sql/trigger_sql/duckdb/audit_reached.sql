-- Which jobs' first sign of delivery is not the earliest event that says or implies it, in all accounts: none, unless
-- something is wrong.
with times as (
    select
        account,
        trigger_id,
        execution_id,
        job_id,
        min(occurred_at) filter (where type = 'reached') as recorded,
        min(occurred_at) filter (
            where type in ('delivered', 'opened', 'clicked', 'read', 'replied', 'complained')
        ) as derived
    from events
    group by account, trigger_id, execution_id, job_id
)

select
    account,
    trigger_id,
    execution_id,
    'job ' || job_id::varchar || ' reached' as subject,
    recorded::varchar as recorded,
    derived::varchar as derived
from times
where recorded is distinct from derived
order by account, trigger_id, execution_id, job_id
