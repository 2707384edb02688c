-- A page of the requests of an account that came with an idempotency key, by key.
-- $account: the tenant
-- $after: only keys behind this
-- $limit: at most so many
select
    account,
    idempotency_key,
    request,
    trigger_id,
    job_id,
    created_at
from idempotency_keys
where account = $account and idempotency_key > $after
order by idempotency_key
limit $limit::integer
