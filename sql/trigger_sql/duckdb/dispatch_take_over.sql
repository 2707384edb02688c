-- Gives a claim to another worker.
-- $claim_id: the claim
-- $worker_id: the worker
-- $expires_at: when others may take it over again
update claims
set
    worker_id = $worker_id::uuid,
    expires_at = $expires_at::timestamp
where claim_id = $claim_id::uuid
