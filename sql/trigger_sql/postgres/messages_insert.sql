-- Written for PostgreSQL: several write at once there, and a key keeps apart what two bring at the same moment.
-- Keeps which job each staged message id leads to; one that leads to a job already stays with that. The sum of the rows
-- is how many are kept.
with added as (
    insert into message_ids
    select
        account,
        message_key(account, provider, provider_message_id) as message_key,
        trigger_id,
        execution_id,
        job_id
    from staged_messages
    order by message_key
    on conflict do nothing
    returning 1 as kept
)

select count(*) as kept
from added
