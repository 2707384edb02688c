-- Adds to the ledger how many contacts each workflow's trigger gained with the staged executions.
insert into tally
select
    j.account,
    j.trigger_id,
    null as execution_id,
    'contacts' as measure,
    null as detail,
    count(distinct j.contact) as n,
    0 as segments,
    0 as cost,
    null as first_at,
    null as last_at,
    1 as writes,
    null as first_contacts
from staged_plans as p
inner join jobs as j on p.trigger_id = j.trigger_id and p.execution_id = j.execution_id
left join trigger_contacts as c on j.trigger_id = c.trigger_id and j.contact = c.contact
where p.in_workflow and c.contact is null
group by j.account, j.trigger_id
