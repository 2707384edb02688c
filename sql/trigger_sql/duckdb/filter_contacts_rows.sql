-- All first contacts that are kept of a trigger, if they are few: picking from them is quicker than planning to.
-- $account: the tenant
-- $trigger_id: the trigger
-- $most: how many rows; as many as that mean that there may be more, and that `filter_contacts` must be asked
select
    execution_id::varchar as execution_id,
    reason,
    job_id,
    contact
from samples
where account = $account and trigger_id = $trigger_id::uuid
limit $most::integer
