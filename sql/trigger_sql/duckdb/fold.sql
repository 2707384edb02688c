-- Folds one trigger's ledger. Neither its answers change nor its sum of writes.
-- $account: the tenant
-- $trigger_id: the trigger
with gone as (
    delete from tally
    where account = $account and trigger_id = $trigger_id::uuid
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
order by execution_id, measure, detail
