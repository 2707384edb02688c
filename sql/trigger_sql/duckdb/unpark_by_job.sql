-- Stages the parked events of the staged jobs.
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
inner join staged_jobs as s on p.execution_id = s.execution_id and p.job_id = s.job_id
where coalesce(p.account = s.account, true)
