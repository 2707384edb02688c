-- Takes out the samples of every reason that a job left.
delete from samples
using changed_outcomes as c
where
    c.is_shown
    and c.old_reason is not null
    and samples.trigger_id = c.trigger_id
    and samples.execution_id = c.execution_id
    and samples.reason = c.old_reason
