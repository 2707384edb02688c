-- The keys that begin like this one and are not revoked: whose they are, and what they may do.
-- $prefix: the beginning of the key's text
select
    digest,
    account,
    scopes,
    expires_at
from api_keys
where prefix = $prefix and revoked_at is null
