-- Adds to the ledger how many attempts each execution gained, and their earliest time.
insert into tally
select
    account,
    trigger_id,
    execution_id,
    'attempted' as measure,
    null as detail,
    count(*) filter (where is_new) as n,
    0 as segments,
    0 as cost,
    min(occurred_at) as first_at,
    null as last_at,
    1 as writes,
    null as first_contacts
from changed_attempts
group by account, trigger_id, execution_id
