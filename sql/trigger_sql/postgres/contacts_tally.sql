-- Written for PostgreSQL: two executions of a trigger may bring the same contact at once, and one of them counts it.
-- Keeps the contacts that a workflow's triggers gained with the staged jobs, and adds to the ledger how many they are.
with gained as (
    insert into trigger_contacts
    select distinct
        account,
        trigger_id,
        contact
    from staged_jobs
    where in_workflow
    order by trigger_id, contact
    on conflict do nothing
    returning account, trigger_id
)

insert into tally
select
    account,
    trigger_id,
    null as execution_id,
    'contacts' as measure,
    null as detail,
    count(*) as n,
    0 as segments,
    0 as cost,
    null as first_at,
    null as last_at,
    1 as writes,
    null as first_contacts
from gained
group by account, trigger_id
