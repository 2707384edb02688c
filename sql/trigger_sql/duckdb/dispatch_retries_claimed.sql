-- Takes the jobs of a claim off those that wait to be tried again.
-- $claim_id: the claim
delete from retries
using claims as c
where
    c.claim_id = $claim_id::uuid
    and retries.trigger_id = c.trigger_id
    and retries.execution_id = c.execution_id
    and retries.job_id = c.first_job_id
    and retries.n = c.n
