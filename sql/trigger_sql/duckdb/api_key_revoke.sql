-- Revokes a key of an account, once.
-- $account: the tenant
-- $key_id: the key
-- $now: when
update api_keys
set revoked_at = coalesce(revoked_at, $now::timestamp)
where account = $account and key_id = $key_id::uuid
