-- Takes the jobs that left a reason out of its first contacts.
delete from samples
using changed_outcomes as c
where
    c.is_shown
    and (c.outcome <> 'filtered' or c.message <> c.old_reason)
    and samples.trigger_id = c.trigger_id
    and samples.execution_id = c.execution_id
    and samples.reason = c.old_reason
    and samples.job_id = c.job_id
