-- Keeps which of the jobs with staged results are to be tried again, but for those of triggers that were cancelled.
-- $claim_id: the claim that they are of
insert into retries
with members as (
    select
        *,
        unnest(generate_series(first_job_id, last_job_id))::integer as job_id
    from claims
    where claim_id = $claim_id::uuid
)

select
    c.account,
    c.trigger_id,
    c.execution_id,
    c.channel,
    r.job_id,
    r.n + 1 as n,
    r.next_attempt_at as due_at,
    c.dead_at
from staged_results as r
inner join members as c on r.execution_id = c.execution_id and r.job_id = c.job_id
inner join triggers as t on c.trigger_id = t.trigger_id
where r.next_attempt_at is not null and t.cancelled_at is null
