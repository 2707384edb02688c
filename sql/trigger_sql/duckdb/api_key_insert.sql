-- Keeps a key's hash.
-- $key_id: its name
-- $account: whose data it opens
-- $prefix: the beginning of its text, to find it by
-- $digest: the SHA-256 of its text, in hexadecimal
-- $scopes: what it may do, separated by commas
-- $created_at: when it was made
-- $expires_at: when it stops working; null for never
insert into api_keys
values ($key_id::uuid, $account, $prefix, $digest, $scopes, $created_at::timestamp, $expires_at::timestamp, null)
