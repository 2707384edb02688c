-- Lays out the staged results' message ids, for events that were reported before the results were recorded.
-- $provider: who made the ids
insert into staged_messages
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
