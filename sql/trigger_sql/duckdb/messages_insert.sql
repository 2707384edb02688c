-- Keeps which job each staged message id leads to; one that leads to a job already stays with that. The sum of the rows
-- is how many are kept.
insert into message_ids
with keyed as (
    select
        line,
        account,
        message_key(account, provider, provider_message_id) as message_key,
        trigger_id,
        execution_id,
        job_id
    from staged_messages
)

select
    k.account,
    k.message_key,
    k.trigger_id,
    k.execution_id,
    k.job_id
from keyed as k
left join message_ids as m on k.account = m.account and k.message_key = m.message_key
where m.message_key is null
qualify row_number() over (partition by k.message_key order by k.line) = 1
order by k.trigger_id, k.execution_id, k.job_id
returning 1 as kept
