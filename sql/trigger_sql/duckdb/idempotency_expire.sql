-- Forgets some idempotency keys where they are old.
-- $account: the tenant
-- $keys: the keys
-- $since: only those from before this time
delete from idempotency_keys
where
    account = $account
    and idempotency_key in (select unnest($keys::varchar[]))
    and created_at <= $since::timestamp
