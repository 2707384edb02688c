-- Forgets what was planned of the staged triggers' jobs that are still to be sent: the other store sends them.
update jobs
set
    variant_id = null,
    planned_segments = null,
    planned_cost = null,
    variables = null
from staged_cancels as s
where
    jobs.trigger_id = s.trigger_id
    and jobs.last_outcome_at is null
    and jobs.variant_id is not null
