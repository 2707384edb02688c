-- Adds to the ledger, where a trigger is cancelled for the first time, how many of its jobs workers have in hand.
insert into tally
select
    c.account,
    c.trigger_id,
    c.execution_id,
    'claimed' as measure,
    null as detail,
    sum(c.held) as n,
    0 as segments,
    0 as cost,
    null as first_at,
    null as last_at,
    1 as writes,
    null as first_contacts
from staged_cancels as s
inner join triggers as t on s.trigger_id = t.trigger_id
inner join claims as c on s.trigger_id = c.trigger_id
where t.cancelled_at is null and c.held is not null
group by c.account, c.trigger_id, c.execution_id
