-- What a trigger's ledger sums up to: every number of every answer about it, one row per execution, measure and detail.
-- $account: the tenant
-- $trigger_id: the trigger
select
    execution_id,
    measure,
    detail,
    sum(n) as n,
    sum(segments) as segments,
    sum(cost) as cost,
    min(first_at) as first_at,
    max(last_at) as last_at
from tally
where account = $account and trigger_id = $trigger_id::uuid
group by execution_id, measure, detail
