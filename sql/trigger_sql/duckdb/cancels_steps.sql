-- Takes the steps of the staged triggers off those still to come.
delete from scheduled_steps
where trigger_id in (select s.trigger_id from staged_cancels as s)
