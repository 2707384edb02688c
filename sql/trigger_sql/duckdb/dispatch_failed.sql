-- Counts that the sender of a claim failed, and puts off when the claim may be taken over, to be handed over again.
-- $claim_id: the claim
-- $worker_id: the worker; what another one took over is left as it is
-- $expires_at: the time
update claims
set
    failures = failures + 1,
    expires_at = $expires_at::timestamp
where claim_id = $claim_id::uuid and worker_id = $worker_id::uuid
