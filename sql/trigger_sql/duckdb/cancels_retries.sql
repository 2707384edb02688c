-- Takes jobs of the staged triggers off those that wait to be tried again.
delete from retries
where trigger_id in (select s.trigger_id from staged_cancels as s)
