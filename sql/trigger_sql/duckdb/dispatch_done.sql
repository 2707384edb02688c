-- Forgets the executions of a claim of which all jobs were claimed.
-- $claim_id: the claim
delete from dispatches
using claims as c
where
    c.claim_id = $claim_id::uuid
    and dispatches.trigger_id = c.trigger_id
    and dispatches.execution_id = c.execution_id
    and dispatches.claimed_through >= dispatches.last_job_id
