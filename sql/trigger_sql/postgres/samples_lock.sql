-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- Keeps others from changing the first contacts of the filter reasons of the changed outcomes' executions: which ones
-- are kept follows from all of them.
with touched as (
    select distinct execution_id
    from changed_outcomes
    where outcome = 'filtered' or old_reason is not null
    order by execution_id
)

select pg_advisory_xact_lock(1953653107, hashtext(execution_id::text)) as locked
from touched
