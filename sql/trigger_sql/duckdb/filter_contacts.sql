-- The first contacts of some filter reasons of a trigger's executions, by job_id.
-- $account: the tenant
-- $trigger_id: the trigger
-- $reasons: the reasons
-- $contacts: how many contacts of each reason
select
    execution_id::varchar as execution_id,
    reason,
    job_id,
    contact
from samples
where
    account = $account
    and trigger_id = $trigger_id::uuid
    and reason in (select unnest($reasons::varchar[]))
qualify row_number() over (partition by execution_id, reason order by job_id) <= $contacts::integer
order by execution_id, reason, job_id
