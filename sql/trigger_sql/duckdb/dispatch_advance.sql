-- Moves on what is claimed of executions, past the jobs of a claim.
-- $claim_id: the claim
update dispatches
set claimed_through = c.last_job_id
from claims as c
where
    c.claim_id = $claim_id::uuid
    and c.n = 1
    and dispatches.trigger_id = c.trigger_id
    and dispatches.execution_id = c.execution_id
