-- Puts off when others may take over some claims of a worker.
-- $claim_ids: the claims
-- $worker_id: the worker; what another one took over is left as it is
-- $expires_at: the time
update claims
set expires_at = $expires_at::timestamp
where claim_id in (select unnest($claim_ids::uuid[])) and worker_id = $worker_id::uuid
