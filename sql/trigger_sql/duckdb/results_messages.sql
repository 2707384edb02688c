-- Lays out the message ids that the staged results name.
-- $provider: who made the ids
insert into named_messages
select
    0 as line,
    p.account,
    $provider as provider,
    r.provider_message_id,
    p.trigger_id,
    r.execution_id,
    r.job_id
from staged_results as r
inner join staged_places as p on r.execution_id = p.execution_id
where r.provider_message_id is not null
