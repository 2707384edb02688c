-- Lays out whom a trigger is for: those on a list, in order.
-- $account: the tenant
-- $trigger_id: the trigger
-- $list_id: the list
insert into staged_audience
select
    account,
    $trigger_id::uuid as trigger_id,
    row_number() over (order by external_id) as place,
    external_id as contact,
    contact_id
from list_members
where account = $account and list_id = $list_id::uuid
