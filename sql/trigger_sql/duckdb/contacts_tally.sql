-- Adds to the ledger how many contacts each workflow's trigger gained with the staged jobs.
insert into tally
select
    s.account,
    s.trigger_id,
    null as execution_id,
    'contacts' as measure,
    null as detail,
    count(distinct s.contact) as n,
    0 as segments,
    0 as cost,
    null as first_at,
    null as last_at,
    1 as writes,
    null as first_contacts
from staged_jobs as s
left join trigger_contacts as c on s.trigger_id = c.trigger_id and s.contact = c.contact
where s.in_workflow and c.contact is null
group by s.account, s.trigger_id
