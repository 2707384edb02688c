-- Folds the whole ledger, one row per trigger, execution, measure and detail, sorted so that a trigger's rows lie
-- together. No answer changes, nor does a trigger's sum of writes.
with gone as (
    delete from tally
    returning *
)

insert into tally
select
    account,
    trigger_id,
    execution_id,
    measure,
    detail,
    sum(n)::bigint as n,
    sum(segments)::bigint as segments,
    sum(cost)::decimal(38, 6) as cost,
    min(first_at) as first_at,
    max(last_at) as last_at,
    sum(writes)::bigint as writes
from gone
group by account, trigger_id, execution_id, measure, detail
order by trigger_id, execution_id, measure, detail
