-- Adds one event of one job to the ledger.
-- $account: the tenant
-- $trigger_id: the execution's trigger
-- $execution_id: the execution
-- $measures: what its type counts as, and `reached` where it is the first that implies it
-- $occurred_at: when
insert into tally
select
    $account,
    $trigger_id::uuid,
    $execution_id::uuid,
    unnest($measures::varchar[]) as measure,
    null,
    1,
    0,
    0,
    $occurred_at::timestamp,
    null,
    1,
    null
