-- An account's keys, oldest first.
-- $account: the tenant
select
    key_id,
    account,
    scopes,
    prefix,
    created_at,
    expires_at,
    revoked_at
from api_keys
where account = $account
order by created_at, key_id
