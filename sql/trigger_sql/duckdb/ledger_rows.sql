-- A trigger's ledger as it was appended, if it is short. Adding up a few rows is quicker than planning a GROUP BY.
-- $account: the tenant
-- $trigger_id: the trigger
-- $most: how many rows; as many as that mean that there may be more, and that `ledger` must be asked
select
    execution_id::varchar as execution_id,
    measure,
    detail,
    n,
    segments,
    cost,
    first_at,
    last_at,
    writes,
    first_contacts
from tally
where account = $account and trigger_id = $trigger_id::uuid
limit $most::integer
