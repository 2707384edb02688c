-- Takes what nobody has claimed of the staged triggers off what is to be sent.
delete from dispatches
where trigger_id in (select s.trigger_id from staged_cancels as s)
