-- The lists of an account, by name.
-- $account: the tenant
select
    name,
    list_id,
    members
from lists
where account = $account
order by name
