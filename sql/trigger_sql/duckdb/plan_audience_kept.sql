-- Lays out whom some runs are for, as it was kept when they were asked for.
-- $trigger_ids: the runs
insert into staged_audience
select
    account,
    trigger_id,
    place,
    contact,
    contact_id
from audiences
where trigger_id in (select unnest($trigger_ids::uuid[]))
