-- What the staged events need done: how many have no job yet, how many replace one, how many change anything, how many
-- of those are news themselves, not what they imply, and how many, news or not, mean that somebody wants no more.
select
    (
        select count(*)
        from staged_events as s
        left join jobs as j
            on s.trigger_id = j.trigger_id and s.execution_id = j.execution_id and s.job_id = j.job_id
        where j.job_id is null
    ) as unknown,
    count(*) filter (where not is_new and type <> 'reached') as replacing,
    count(*) as changed,
    count(*) filter (where type <> 'reached') as accepted,
    (select count(*) from staged_events as s where s.type in ('complained', 'unsubscribed')) as leaving
from changed_events
