-- Records the first event of its type of one job, and adds it to the ledger.
-- $account: the tenant
-- $trigger_id: the execution's trigger
-- $execution_id: the execution
-- $job_id: the job
-- $type: the event's type
-- $measures: what its type counts as, and `reached` where it is the first that implies it
-- $occurred_at: when
with recorded as (
    insert into events
    values ($account, $trigger_id::uuid, $execution_id::uuid, $job_id::integer, $type, $occurred_at::timestamp)
    returning *
)

insert into tally
select
    account,
    trigger_id,
    execution_id,
    unnest($measures::varchar[]) as measure,
    null as detail,
    1 as n,
    0 as segments,
    0 as cost,
    occurred_at as first_at,
    null as last_at,
    1 as writes,
    null as first_contacts
from recorded
