-- What was answered to requests with some idempotency keys.
-- $account: the tenant
-- $keys: the keys
-- $since: only requests of this time and later; an older key may be used anew
select
    idempotency_key,
    request,
    trigger_id,
    job_id
from idempotency_keys
where
    account = $account
    and idempotency_key in (select unnest($keys::varchar[]))
    and created_at > $since::timestamp
