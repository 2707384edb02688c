-- Gives each changed job the earliest time of each outcome, the latest of any, and what the shown fact says; but for
-- those that outcomes_update_sent is for.
update jobs
set
    sent_at = least(jobs.sent_at, c.sent_at),
    failed_at = least(jobs.failed_at, c.failed_at),
    filtered_at = least(jobs.filtered_at, c.filtered_at),
    cancelled_at = least(jobs.cancelled_at, c.cancelled_at),
    last_outcome_at = greatest(jobs.last_outcome_at, c.last_outcome_at),
    code = case when c.is_shown then c.code else jobs.code end,
    message = case when c.is_shown then c.message else jobs.message end,
    provider = case when c.is_shown then c.provider else jobs.provider end,
    provider_message_id = case when c.is_shown then c.provider_message_id else jobs.provider_message_id end,
    segments = case when c.is_shown then c.segments else jobs.segments end,
    cost = case when c.is_shown then c.cost else jobs.cost end
from changed_outcomes as c
where
    c.is_news
    and (c.outcome <> 'sent' or c.old_outcome is not null)
    and jobs.trigger_id = c.trigger_id
    and jobs.execution_id = c.execution_id
    and jobs.job_id = c.job_id
