-- When a trigger was cancelled; null if it wasn't.
-- $account: the tenant
-- $trigger_id: the trigger
select cancelled_at
from triggers
where account = $account and trigger_id = $trigger_id::uuid
