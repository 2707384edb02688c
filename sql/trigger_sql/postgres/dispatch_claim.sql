-- Written for PostgreSQL: several workers claim at once there, each what no other has locked.
-- Claims jobs that are due on a channel, up to a number. Where executions that can be claimed whole and larger ones
-- wait side by side, each kind has its share: a message to one person needn't wait behind one to a million, nor that
-- behind ever more of those. Each execution gives one job at least, so no more of them are looked at than jobs are
-- wanted.
-- $claim_id: the new claim
-- $worker_id: who claims
-- $channel: email, sms or whatsapp
-- $now: what is due by then
-- $expires_at: when others may take the claim over
-- $patience: for how many seconds after this its jobs are tried
-- $most: how many jobs
-- $large: how many of them are a larger execution's where both kinds wait
insert into claims
with small as (
    select
        *,
        last_job_id - claimed_through as jobs,
        false as is_large
    from dispatches
    where
        channel = $channel
        and due_at <= $now::timestamp
        and last_job_id - claimed_through between 1 and $most::integer
    order by due_at, execution_id
    limit $most::integer
    for update skip locked
),

large as (
    select
        *,
        last_job_id - claimed_through as jobs,
        true as is_large
    from dispatches
    where
        channel = $channel
        and due_at <= $now::timestamp
        and last_job_id - claimed_through > $most::integer
    order by due_at, execution_id
    limit 1
    for update skip locked
),

due as (
    select * from small
    union all
    select * from large
),

shares as (
    select
        *,
        sum(jobs) over (
            partition by is_large
            order by due_at, execution_id
            rows between unbounded preceding and current row
        ) - jobs as before,
        sum(case when not is_large then jobs else 0 end) over () as small_jobs,
        bool_or(is_large) over () as has_large
    from due
),

limited as (
    select
        *,
        case
            when not has_large then $most::integer
            when is_large then $most::integer - least(small_jobs, $most::integer - $large::integer)
            else $most::integer - $large::integer
        end as share
    from shares
)

select
    account,
    trigger_id,
    execution_id,
    channel,
    claimed_through + 1 as first_job_id,
    least(last_job_id, claimed_through + share - before) as last_job_id,
    1 as n,
    $now::timestamp + $patience::integer * interval '1 second' as dead_at,
    $claim_id::uuid as claim_id,
    $worker_id::uuid as worker_id,
    $expires_at::timestamp as expires_at,
    0 as failures,
    null as held
from limited
where before < share
