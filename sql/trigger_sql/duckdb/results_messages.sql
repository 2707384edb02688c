-- Keeps which jobs the staged results' message ids lead to; an id that leads to a job already stays with that. A row
-- for each id that is kept.
-- $provider: who made the ids
insert into message_ids
select
    p.account,
    $provider as provider,
    r.provider_message_id,
    p.trigger_id,
    r.execution_id,
    r.job_id
from staged_results as r
inner join staged_places as p on r.execution_id = p.execution_id
where r.provider_message_id is not null
on conflict do nothing
returning job_id
