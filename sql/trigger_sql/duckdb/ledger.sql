-- What a trigger's ledger sums up to: every number of every answer about it, one row per execution, measure and detail.
-- Of an execution's filter reasons the 21 with the most contacts have rows of their own, the others' sum has no detail.
-- Each row also says how many rows of the ledger were added up, and how many folding would leave of them.
-- $account: the tenant
-- $trigger_id: the trigger
with folded as (
    select
        execution_id,
        measure,
        detail,
        sum(n) as n,
        sum(segments) as segments,
        sum(cost) as cost,
        min(first_at) as first_at,
        max(last_at) as last_at,
        sum(writes) as writes,
        count(*) as ledger_rows
    from tally
    where account = $account and trigger_id = $trigger_id::uuid
    group by execution_id, measure, detail
),

placed as (
    select
        *,
        row_number() over (partition by execution_id, measure, detail is null order by n desc, detail) as place
    from folded
)

select
    execution_id,
    measure,
    case when place <= 21 then detail end as detail,
    sum(n)::bigint as n,
    sum(segments)::bigint as segments,
    sum(cost) as cost,
    min(first_at) as first_at,
    max(last_at) as last_at,
    sum(writes)::bigint as writes,
    sum(ledger_rows)::bigint as ledger_rows,
    count(*) as folded_rows
from placed
group by execution_id, measure, case when place <= 21 then detail end
