-- A page of a list's members, by external_id, as they are stored.
-- $account: the tenant
-- $list_id: the list
-- $after: only those behind this external_id
-- $limit: at most so many
select
    account,
    list_id,
    external_id,
    contact_id
from list_members
where account = $account and list_id = $list_id::uuid and external_id > $after
order by external_id
limit $limit::integer
