-- Keeps the contacts that each workflow's trigger gained with the staged executions.
insert into trigger_contacts
select distinct
    j.account,
    j.trigger_id,
    j.contact
from staged_plans as p
inner join jobs as j on p.trigger_id = j.trigger_id and p.execution_id = j.execution_id
left join trigger_contacts as c on j.trigger_id = c.trigger_id and j.contact = c.contact
where p.in_workflow and c.contact is null
