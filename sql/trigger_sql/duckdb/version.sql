-- A number that grows with every write that changes an answer about a trigger; null where there is no such trigger.
-- $account: the tenant
-- $trigger_id: the trigger
select sum(writes)::bigint as version
from tally
where account = $account and trigger_id = $trigger_id::uuid
