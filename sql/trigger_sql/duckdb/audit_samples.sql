-- Which contacts sampled for a filter reason are not those derived again from the jobs, in all accounts: none, unless
-- something is wrong. Each of the hundred lowest job_ids that a reason has must be there, and so must each that comes
-- before one that is; whoever is there must have been filtered for that reason.
with kept as (
    select
        account,
        trigger_id,
        execution_id,
        reason,
        max(job_id) as last_kept
    from samples
    group by account, trigger_id, execution_id, reason
),

filtered as (
    select
        account,
        trigger_id,
        execution_id,
        message as reason,
        job_id,
        coalesce(address, contact) as contact,
        row_number() over (partition by account, trigger_id, execution_id, message order by job_id) as place
    from jobs
    where sent_at is null and failed_at is null and filtered_at is not null
)

select
    coalesce(f.account, s.account) as account,
    coalesce(f.trigger_id, s.trigger_id) as trigger_id,
    coalesce(f.execution_id, s.execution_id) as execution_id,
    'sample of job ' || coalesce(f.job_id, s.job_id)::varchar || ' for reason '
    || coalesce(f.reason, s.reason) as subject,
    s.contact as recorded,
    f.contact as derived
from filtered as f
full outer join samples as s
    on
        f.account = s.account
        and f.trigger_id = s.trigger_id
        and f.execution_id = s.execution_id
        and f.reason = s.reason
        and f.job_id = s.job_id
left join kept as k
    on
        f.account = k.account
        and f.trigger_id = k.trigger_id
        and f.execution_id = k.execution_id
        and f.reason = k.reason
where
    f.contact is distinct from s.contact
    and (s.job_id is not null or f.place <= 100 or f.job_id < k.last_kept)
order by account, trigger_id, execution_id, subject
