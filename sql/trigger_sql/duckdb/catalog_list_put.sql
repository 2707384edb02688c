-- Makes the staged members the list of that name.
-- $account: the tenant
-- $name: the list
-- $list_id: the staged members' id
insert into lists
select
    $account as account,
    $name as name,
    $list_id::uuid as list_id,
    count(distinct external_id)::integer as members
from staged_list_members
on conflict (account, name) do update set
    list_id = excluded.list_id,
    members = excluded.members
