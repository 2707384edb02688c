-- Counts jobs that get their first outcome no longer as what workers have in hand of cancelled triggers.
with members as (
    select
        c.trigger_id,
        c.claim_id,
        c.execution_id,
        c.first_job_id,
        unnest(generate_series(c.first_job_id, c.last_job_id))::integer as job_id
    from claims as c
    where c.held is not null and c.trigger_id in (select o.trigger_id from changed_outcomes as o)
),

counted as (
    select
        m.trigger_id,
        m.claim_id,
        m.execution_id,
        m.first_job_id,
        count(*) as ended
    from changed_outcomes as o
    inner join members as m on o.trigger_id = m.trigger_id and o.execution_id = m.execution_id and o.job_id = m.job_id
    where o.old_outcome is null
    group by m.trigger_id, m.claim_id, m.execution_id, m.first_job_id
)

update claims
set held = claims.held - h.ended
from counted as h
where
    claims.trigger_id = h.trigger_id
    and claims.claim_id = h.claim_id
    and claims.execution_id = h.execution_id
    and claims.first_job_id = h.first_job_id
