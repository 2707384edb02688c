-- Puts off when others may take over some claims.
-- $claim_ids: the claims
-- $expires_at: the time
update claims
set expires_at = $expires_at::timestamp
where claim_id in (select unnest($claim_ids::uuid[]))
