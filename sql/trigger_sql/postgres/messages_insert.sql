-- Written for PostgreSQL: several write at once there, and a key keeps apart what two bring at the same moment.
-- Keeps which job each staged message id leads to; one that leads to a job already stays with that. A row for each that
-- is kept.
insert into message_ids
select
    account,
    message_key(account, provider, provider_message_id) as message_key,
    provider,
    provider_message_id,
    trigger_id,
    execution_id,
    job_id
from staged_messages
order by message_key
on conflict do nothing
returning job_id
