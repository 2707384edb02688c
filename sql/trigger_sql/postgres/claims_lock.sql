-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- Keeps others from ending claims of the triggers that are cancelled, and claims on jobs that have staged outcomes.
with named as (
    select c.claim_id
    from claims as c
    inner join staged_cancels as s on c.trigger_id = s.trigger_id
    union
    select c.claim_id
    from claims as c
    inner join staged_places as p on c.trigger_id = p.trigger_id and c.execution_id = p.execution_id
    inner join staged_outcomes as s on p.place = s.place and s.job_id between c.first_job_id and c.last_job_id
)

select c.claim_id
from claims as c
inner join named as n on c.claim_id = n.claim_id
order by c.trigger_id, c.claim_id, c.execution_id, c.first_job_id
for update of c
