-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- Keeps others from changing the first contacts of the filter reasons of the changed outcomes' executions: which ones
-- are kept follows from all of them. Whoever trims all of them is kept away first.
with untrimmed as (
    select pg_advisory_xact_lock_shared(1953653091, 0) as locked
),

touched as (
    select distinct c.execution_id
    from changed_outcomes as c
    cross join untrimmed
    where c.outcome = 'filtered' or c.old_reason is not null
    order by c.execution_id
)

select pg_advisory_xact_lock(1953653107, hashtext(execution_id::text)) as locked
from touched
