-- Forgets the audiences of the staged triggers: none of their steps is still to come.
delete from audiences
where trigger_id in (select s.trigger_id from staged_cancels as s)
