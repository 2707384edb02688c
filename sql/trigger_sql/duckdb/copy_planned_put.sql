-- Says of the staged jobs what was planned of them, where that isn't known.
update jobs
set
    variant_id = s.variant_id,
    planned_segments = s.planned_segments,
    planned_cost = s.planned_cost,
    variables = s.variables
from staged_planned as s
where
    jobs.trigger_id = s.trigger_id
    and jobs.execution_id = s.execution_id
    and jobs.job_id = s.job_id
    and jobs.variant_id is null
