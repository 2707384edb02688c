-- Written for PostgreSQL: several workers claim at once there, each what no other has locked.
-- Claims jobs that are due to be tried again on a channel, the earliest first; where others wait for their first
-- attempt, no more than their share.
-- $claim_id: the new claim
-- $worker_id: who claims
-- $channel: email, sms or whatsapp
-- $now: what is due by then
-- $expires_at: when others may take the claim over
-- $most: how many jobs
-- $share: how many where others wait
insert into claims
select
    account,
    trigger_id,
    execution_id,
    channel,
    job_id as first_job_id,
    job_id as last_job_id,
    n,
    dead_at,
    $claim_id::uuid as claim_id,
    $worker_id::uuid as worker_id,
    $expires_at::timestamp as expires_at,
    0 as failures,
    null as held
from retries
where channel = $channel and due_at <= $now::timestamp
order by due_at, execution_id, job_id
limit
    case
        when exists (select 1 from dispatches as d where d.channel = $channel and d.due_at <= $now::timestamp)
            then $share::integer
        else $most::integer
    end
for update skip locked
