-- Gives a claim whose worker is gone to another one, unless yet another was faster; a row for each part of it.
-- $claim_id: the claim
-- $worker_id: the worker
-- $now: what has expired by then
-- $workers: the workers that are there; null where there may be others elsewhere
-- $expires_at: when others may take it over again
update claims
set
    worker_id = $worker_id::uuid,
    expires_at = $expires_at::timestamp
where
    claim_id = $claim_id::uuid
    and (
        expires_at <= $now::timestamp
        or (
            $workers::uuid[] is not null
            and worker_id not in (select unnest($workers::uuid[]))
        )
    )
returning failures
