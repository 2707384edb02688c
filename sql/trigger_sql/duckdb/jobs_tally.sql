-- Adds to the ledger how many jobs each execution gained.
insert into tally
select
    account,
    trigger_id,
    execution_id,
    'jobs' as measure,
    null as detail,
    count(*) as n,
    0 as segments,
    0 as cost,
    null as first_at,
    null as last_at,
    1 as writes,
    null as first_contacts
from staged_jobs
group by account, trigger_id, execution_id
