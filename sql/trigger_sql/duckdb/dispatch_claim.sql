-- Claims jobs that are due on a channel, up to a number: those of executions that can be claimed whole come first, so
-- that a message to one person needn't wait behind one to a million.
-- $claim_id: the new claim
-- $worker_id: who claims
-- $channel: email, sms or whatsapp
-- $now: what is due by then
-- $expires_at: when others may take the claim over
-- $patience: for how many seconds after it was due a job is tried
-- $most: how many jobs
insert into claims
with due as (
    select
        *,
        sum(last_job_id - claimed_through) over (
            order by last_job_id - claimed_through > $most::integer, due_at, execution_id
            rows between unbounded preceding and current row
        ) - (last_job_id - claimed_through) as before
    from dispatches
    where channel = $channel and due_at <= $now::timestamp and claimed_through < last_job_id
)

select
    account,
    trigger_id,
    execution_id,
    channel,
    claimed_through + 1 as first_job_id,
    least(last_job_id, claimed_through + $most::integer - before) as last_job_id,
    1 as n,
    due_at + $patience::integer * interval '1 second' as dead_at,
    $claim_id::uuid as claim_id,
    $worker_id::uuid as worker_id,
    $expires_at::timestamp as expires_at,
    null as held
from due
where before < $most::integer
