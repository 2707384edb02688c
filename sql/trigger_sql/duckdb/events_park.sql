-- Parks the staged events that have no job, each once.
insert into parked_events
select distinct
    s.account,
    s.event_id,
    s.execution_id,
    s.job_id,
    s.provider,
    s.provider_message_id,
    s.type,
    s.occurred_at
from staged_events as s
left join jobs as j
    on s.trigger_id = j.trigger_id and s.execution_id = j.execution_id and s.job_id = j.job_id
left join parked_events as p
    on
        s.event_id = p.event_id
        and s.type = p.type
        and s.occurred_at = p.occurred_at
        and s.account is not distinct from p.account
        and s.execution_id is not distinct from p.execution_id
        and s.job_id is not distinct from p.job_id
        and s.provider is not distinct from p.provider
        and s.provider_message_id is not distinct from p.provider_message_id
where j.job_id is null and p.event_id is null
