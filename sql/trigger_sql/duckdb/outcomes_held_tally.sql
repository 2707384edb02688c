-- Takes jobs that get their first outcome off those of cancelled triggers that workers have in hand.
insert into tally
with members as (
    select
        c.trigger_id,
        c.claim_id,
        c.execution_id,
        c.first_job_id,
        unnest(generate_series(c.first_job_id, c.last_job_id))::integer as job_id
    from claims as c
    where c.held is not null and c.trigger_id in (select o.trigger_id from changed_outcomes as o)
)

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
    1 as writes,
    null as first_contacts
from changed_outcomes as o
inner join members as m on o.trigger_id = m.trigger_id and o.execution_id = m.execution_id and o.job_id = m.job_id
where o.old_outcome is null
group by o.account, o.trigger_id, o.execution_id
