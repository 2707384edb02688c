-- Takes jobs that get their first outcome off those of cancelled triggers that workers have in hand.
insert into tally
select
    o.account,
    o.trigger_id,
    o.execution_id,
    'claimed' as measure,
    null as detail,
    -count(*) as n,
    0 as segments,
    0 as cost,
    null as first_at,
    null as last_at,
    1 as writes
from changed_outcomes as o
inner join claims as c
    on
        o.trigger_id = c.trigger_id
        and o.execution_id = c.execution_id
        and o.job_id between c.first_job_id and c.last_job_id
where o.old_outcome is null and c.held is not null
group by o.account, o.trigger_id, o.execution_id
