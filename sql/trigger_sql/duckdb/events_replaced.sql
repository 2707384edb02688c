-- Takes out the events that an earlier one of the same job and type replaces.
delete from events
using changed_events as c
where
    not c.is_new
    and events.trigger_id = c.trigger_id
    and events.execution_id = c.execution_id
    and events.job_id = c.job_id
    and events.type = c.type
