-- Lays out the message ids that the staged outcomes name.
insert into staged_messages
select
    s.line,
    p.account,
    s.provider,
    s.provider_message_id,
    p.trigger_id,
    p.execution_id,
    s.job_id
from staged_outcomes as s
inner join staged_places as p on s.place = p.place
where s.provider_message_id is not null
