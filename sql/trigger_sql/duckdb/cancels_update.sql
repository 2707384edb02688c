-- Keeps the earliest cancel of each staged trigger.
update triggers
set cancelled_at = least(triggers.cancelled_at, s.cancelled_at)
from staged_cancels as s
where triggers.trigger_id = s.trigger_id
