-- What the staged events need done: how many have no job yet, how many replace one, how many change anything, how many
-- of those are news themselves, not what they imply, and how many, news or not, mean that somebody wants no more.
select
    coalesce(sum(n) filter (where not is_known and type <> 'reached'), 0) as unknown,
    count(*) filter (where not is_new and type <> 'reached') as replacing,
    count(*) filter (where is_known) as changed,
    count(*) filter (where is_known and type <> 'reached') as accepted,
    (select count(*) from staged_events as s where s.type in ('complained', 'unsubscribed')) as leaving
from changed_events
