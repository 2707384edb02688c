-- Records the changed events.
insert into events
select
    account,
    trigger_id,
    execution_id,
    job_id,
    type,
    occurred_at
from changed_events
