-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- Keeps others from changing the contacts of the staged events.
select c.contact_id
from contacts as c
inner join jobs as j on c.account = j.account and c.external_id = j.contact
inner join staged_events as e
    on j.trigger_id = e.trigger_id and j.execution_id = e.execution_id and j.job_id = e.job_id
where e.type in ('complained', 'unsubscribed')
order by c.contact_id
for update of c
