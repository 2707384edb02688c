-- Drops from the other messages of the changed jobs those that they show by now.
delete from other_messages
using jobs as j, changed_outcomes as c
where
    c.is_shown
    and c.trigger_id = j.trigger_id
    and c.execution_id = j.execution_id
    and c.job_id = j.job_id
    and other_messages.trigger_id = j.trigger_id
    and other_messages.execution_id = j.execution_id
    and other_messages.job_id = j.job_id
    and other_messages.provider = j.provider
    and other_messages.provider_message_id = j.provider_message_id
