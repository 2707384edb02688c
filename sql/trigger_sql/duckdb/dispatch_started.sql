-- Lays out the executions that a claim is the first of: work on them has started.
-- $claim_id: the claim
-- $now: the time
insert into staged_executions
select
    0 as line,
    c.account,
    c.trigger_id,
    c.execution_id,
    null as expected_jobs,
    $now::timestamp as started_at
from claims as c
inner join executions as e on c.trigger_id = e.trigger_id and c.execution_id = e.execution_id
where c.claim_id = $claim_id::uuid and c.n = 1 and e.started_at is null
