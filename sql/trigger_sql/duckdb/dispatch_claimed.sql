-- How many jobs a claim has.
-- $claim_id: the claim
select coalesce(sum(last_job_id - first_job_id + 1), 0)::integer as jobs
from claims
where claim_id = $claim_id::uuid
