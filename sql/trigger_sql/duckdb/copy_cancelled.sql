-- Which of some triggers are cancelled, and since when.
-- $trigger_ids: the triggers
select
    trigger_id,
    cancelled_at
from triggers
where trigger_id in (select unnest($trigger_ids::uuid[])) and cancelled_at is not null
