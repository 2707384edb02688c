-- Keeps the contacts that each workflow's trigger gained with the staged jobs.
insert into trigger_contacts
select distinct
    s.account,
    s.trigger_id,
    s.contact
from staged_jobs as s
left join trigger_contacts as c on s.trigger_id = c.trigger_id and s.contact = c.contact
where s.in_workflow and c.contact is null
