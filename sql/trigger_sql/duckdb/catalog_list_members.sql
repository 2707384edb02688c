-- Some of the members of a list, by external_id.
-- $account: the tenant
-- $list_id: the list
-- $after: only those behind this external_id
-- $limit: at most so many
select external_id
from list_members
where account = $account and list_id = $list_id::uuid and external_id > $after
order by external_id
limit $limit::integer
