-- Adds to the ledger each staged cancel that is its trigger's first or earliest.
insert into tally
select
    s.account,
    s.trigger_id,
    null as execution_id,
    'cancel' as measure,
    null as detail,
    0 as n,
    0 as segments,
    0 as cost,
    s.cancelled_at as first_at,
    null as last_at,
    1 as writes,
    null as first_contacts
from staged_cancels as s
inner join triggers as t on s.trigger_id = t.trigger_id
where s.cancelled_at < coalesce(t.cancelled_at, 'infinity'::timestamp)
