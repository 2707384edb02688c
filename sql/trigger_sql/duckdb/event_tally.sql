-- Adds one event of one job to the ledger.
-- $account: the tenant
-- $trigger_id: the execution's trigger
-- $execution_id: the execution
-- $measure: what its type counts as
-- $occurred_at: when
insert into tally
values (
    $account, $trigger_id::uuid, $execution_id::uuid, $measure, null, 1, 0, 0, $occurred_at::timestamp, null, 1, null
)
