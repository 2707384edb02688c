-- Written for PostgreSQL: its rows lie in no order that reading could use, so only what folds is touched.
-- Folds the ledger where a trigger, execution, measure and detail have several rows. No answer changes, nor does a
-- trigger's sum of writes; rows that others append meanwhile stay.
with several as (
    select
        trigger_id,
        execution_id,
        measure,
        detail
    from tally
    group by trigger_id, execution_id, measure, detail
    having count(*) > 1
),

gone as (
    delete from tally
    using several as s
    where
        tally.trigger_id = s.trigger_id
        and tally.execution_id is not distinct from s.execution_id
        and tally.measure = s.measure
        and tally.detail is not distinct from s.detail
    returning tally.*
)

insert into tally
select
    account,
    trigger_id,
    execution_id,
    measure,
    detail,
    sum(n) as n,
    sum(segments) as segments,
    sum(cost) as cost,
    min(first_at) as first_at,
    max(last_at) as last_at,
    sum(writes) as writes
from gone
group by account, trigger_id, execution_id, measure, detail
