-- Counts jobs that get their first outcome no longer as what workers have in hand of cancelled triggers.
update claims
set held = claims.held - h.ended
from (
    select
        c.trigger_id,
        c.claim_id,
        c.execution_id,
        c.first_job_id,
        count(*) as ended
    from changed_outcomes as o
    inner join claims as c
        on
            o.trigger_id = c.trigger_id
            and o.execution_id = c.execution_id
            and o.job_id between c.first_job_id and c.last_job_id
    where o.old_outcome is null and c.held is not null
    group by c.trigger_id, c.claim_id, c.execution_id, c.first_job_id
) as h
where
    claims.trigger_id = h.trigger_id
    and claims.claim_id = h.claim_id
    and claims.execution_id = h.execution_id
    and claims.first_job_id = h.first_job_id
