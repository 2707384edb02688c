-- Forgets old idempotency keys.
-- $since: only those from before this time
delete from idempotency_keys
where created_at <= $since::timestamp
