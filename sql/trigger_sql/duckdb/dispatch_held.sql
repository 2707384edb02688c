-- Whether a worker still has a claim: another one takes it over once it has expired.
-- $claim_id: the claim
-- $worker_id: the worker
select count(*) > 0 as is_held
from claims
where claim_id = $claim_id::uuid and worker_id = $worker_id::uuid
