-- Stages the parked events of the staged message ids.
insert into staged_events
select
    s.account,
    p.event_id,
    s.trigger_id,
    s.execution_id,
    s.job_id,
    null as provider,
    null as provider_message_id,
    p.type,
    p.occurred_at
from parked_events as p
inner join staged_messages as s
    on
        p.account = s.account
        and p.provider = s.provider
        and p.provider_message_id = s.provider_message_id
