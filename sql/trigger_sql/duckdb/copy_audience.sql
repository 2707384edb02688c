-- A page of whom a trigger's later steps are for, in order.
-- $account: the tenant
-- $trigger_id: the trigger
-- $after: only places behind this
-- $limit: at most so many
select
    account,
    trigger_id,
    place,
    contact,
    contact_id
from audiences
where account = $account and trigger_id = $trigger_id::uuid and place > $after::integer
order by place
limit $limit::integer
