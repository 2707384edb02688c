-- Keeps whom some runs are for, for the steps still to come.
-- $trigger_ids: the runs
insert into audiences
select
    account,
    trigger_id,
    place,
    contact,
    contact_id
from staged_audience
where trigger_id in (select unnest($trigger_ids::uuid[]))
