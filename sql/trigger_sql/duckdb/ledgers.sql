-- The ledgers of several triggers, as `ledger` gives one, the trigger first; filter reasons are summed up.
-- $account: the tenant
-- $trigger_ids: the triggers
select
    trigger_id,
    execution_id,
    measure,
    case when measure <> 'filtered' then detail end as detail,
    sum(n)::bigint as n,
    sum(segments)::bigint as segments,
    sum(cost) as cost,
    min(first_at) as first_at,
    max(last_at) as last_at
from tally
where account = $account and trigger_id in (select unnest($trigger_ids::uuid[]))
group by trigger_id, execution_id, measure, case when measure <> 'filtered' then detail end
