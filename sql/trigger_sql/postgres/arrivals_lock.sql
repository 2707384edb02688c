-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- An event that comes before its job, or before its message id, and the transaction that records these must not miss
-- each other: whoever parks events has the account to himself, whoever may wake some shares it, as with jobs, and with
-- outcomes, whose messages are not looked at here. Events that were told without an account are parked under an empty
-- name.
with arriving as (
    select
        s.account,
        false as is_parking
    from staged_jobs as s
    union
    select
        '' as account,
        false as is_parking
    from staged_jobs
    union
    select
        p.account,
        false as is_parking
    from staged_places as p
    union
    select
        s.account,
        false as is_parking
    from named_messages as s
    union
    select
        coalesce(s.account, '') as account,
        true as is_parking
    from staged_events as s
    left join message_ids as m
        on s.account = m.account and message_key(s.account, s.provider, s.provider_message_id) = m.message_key
    left join jobs as j
        on
            j.trigger_id = coalesce(s.trigger_id, m.trigger_id)
            and j.execution_id = coalesce(s.execution_id, m.execution_id)
            and j.job_id = coalesce(s.job_id, m.job_id)
    left join staged_jobs as b
        on s.trigger_id = b.trigger_id and s.execution_id = b.execution_id and s.job_id = b.job_id
    left join staged_messages as n
        on
            s.account = n.account
            and s.provider = n.provider
            and s.provider_message_id = n.provider_message_id
    where j.job_id is null and b.job_id is null and n.job_id is null
),

wanted as (
    select
        account,
        bool_or(is_parking) as is_parking
    from arriving
    group by account
    order by account
)

select
    case
        when is_parking then pg_advisory_xact_lock(1953653110, hashtext(account))
        else pg_advisory_xact_lock_shared(1953653110, hashtext(account))
    end as locked
from wanted
