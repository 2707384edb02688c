-- Takes out one trigger's ledger, which is laid aside.
-- $account: the tenant
-- $trigger_id: the trigger
delete from tally
where account = $account and trigger_id = $trigger_id::uuid
