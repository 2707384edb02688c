-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- Keeps others from claiming jobs of the staged triggers.
with waiting as (
    select 1
    from dispatches as d
    inner join staged_cancels as s on d.trigger_id = s.trigger_id
    order by d.trigger_id, d.execution_id
    for update of d
),

failed as (
    select 1
    from retries as r
    inner join staged_cancels as s on r.trigger_id = s.trigger_id
    order by r.trigger_id, r.execution_id, r.job_id
    for update of r
)

select (select count(*) from waiting) + (select count(*) from failed) as locked
