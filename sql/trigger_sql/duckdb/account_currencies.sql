-- The currency of some accounts, null while none is known.
-- $accounts: the tenants
select
    account,
    currency
from accounts
where account in (select unnest($accounts::varchar[]))
