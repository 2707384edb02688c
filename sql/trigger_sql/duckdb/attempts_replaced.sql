-- Takes out the attempts that an earlier one of the same n replaces.
delete from attempts
using changed_attempts as c
where
    attempts.trigger_id = c.trigger_id
    and attempts.execution_id = c.execution_id
    and attempts.job_id = c.job_id
    and attempts.n = c.n
    and not c.is_new
