-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- Keeps others from ending claims on jobs of the triggers that are cancelled or that have staged outcomes.
select c.claim_id
from claims as c
where
    c.trigger_id in (
        select s.trigger_id
        from staged_cancels as s
        union
        select s.trigger_id
        from staged_places as s
    )
order by c.trigger_id, c.claim_id, c.execution_id, c.first_job_id
for update
