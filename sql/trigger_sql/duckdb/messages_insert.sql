-- Keeps which job each staged message id leads to; one that leads to a job already stays with that. A row for each that
-- is kept.
insert into message_ids
select
    account,
    provider,
    provider_message_id,
    trigger_id,
    execution_id,
    job_id
from staged_messages
on conflict do nothing
returning job_id
