-- Written for PostgreSQL: two executions of a trigger may bring the same contact at once, and one of them counts it.
-- Keeps the contacts that each workflow's trigger gained with the staged executions, and adds to the ledger how many
-- they are.
with gained as (
    insert into trigger_contacts
    select distinct
        j.account,
        j.trigger_id,
        j.contact
    from staged_plans as p
    inner join jobs as j on p.trigger_id = j.trigger_id and p.execution_id = j.execution_id
    where p.in_workflow
    order by j.trigger_id, j.contact
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
