-- Adds to the ledger how many jobs each execution gained with each type of event; a failed delivery is not a failed
-- job.
insert into tally
select
    account,
    trigger_id,
    execution_id,
    case type when 'failed' then 'delivery_failed' else type end as measure,
    null as detail,
    count(*) filter (where is_new) as n,
    0 as segments,
    0 as cost,
    min(occurred_at) as first_at,
    null as last_at,
    1 as writes,
    null as first_contacts
from changed_events
where is_known
group by account, trigger_id, execution_id, type
