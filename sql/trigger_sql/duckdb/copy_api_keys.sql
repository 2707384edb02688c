-- The API keys of all accounts, as they are stored, by key_id.
select
    key_id,
    account,
    prefix,
    digest,
    scopes,
    created_at,
    expires_at,
    revoked_at
from api_keys
order by key_id
