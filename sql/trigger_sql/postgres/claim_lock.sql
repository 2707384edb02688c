-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- Keeps others from ending a claim or taking it over.
-- $claim_id: the claim
select execution_id
from claims
where claim_id = $claim_id::uuid
order by trigger_id, execution_id, first_job_id
for update
