-- A list's id, and how many are on it.
-- $account: the tenant
-- $name: the list
select
    list_id,
    members
from lists
where account = $account and name = $name
