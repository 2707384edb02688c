-- Gives the jobs that were sent and had no outcome before what that fact says: most of them, and half the columns.
update jobs
set
    sent_at = c.sent_at,
    last_outcome_at = c.last_outcome_at,
    provider = c.provider,
    provider_message_id = c.provider_message_id,
    segments = c.segments,
    cost = c.cost
from changed_outcomes as c
where
    c.outcome = 'sent'
    and c.old_outcome is null
    and jobs.trigger_id = c.trigger_id
    and jobs.execution_id = c.execution_id
    and jobs.job_id = c.job_id
