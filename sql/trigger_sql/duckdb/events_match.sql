-- Gives the staged events that name a provider's message the job it leads to.
update staged_events
set
    trigger_id = m.trigger_id,
    execution_id = m.execution_id,
    job_id = m.job_id
from message_ids as m
where
    staged_events.account = m.account
    and message_key(staged_events.account, staged_events.provider, staged_events.provider_message_id) = m.message_key
