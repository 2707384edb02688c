-- Keeps the message ids of the staged and changed outcomes that lead to jobs that show another one, or none.
insert into other_messages
with named as (
    select
        account,
        trigger_id,
        execution_id,
        job_id,
        provider,
        provider_message_id
    from staged_messages
    union
    select
        account,
        trigger_id,
        execution_id,
        job_id,
        old_provider as provider,
        old_provider_message_id as provider_message_id
    from changed_outcomes
    where old_provider_message_id is not null
)

select n.*
from named as n
inner join jobs as j on n.trigger_id = j.trigger_id and n.execution_id = j.execution_id and n.job_id = j.job_id
left join other_messages as o
    on
        n.trigger_id = o.trigger_id
        and n.execution_id = o.execution_id
        and n.job_id = o.job_id
        and n.provider = o.provider
        and n.provider_message_id = o.provider_message_id
where
    o.job_id is null
    and (j.provider is distinct from n.provider or j.provider_message_id is distinct from n.provider_message_id)
order by n.trigger_id, n.execution_id, n.job_id
