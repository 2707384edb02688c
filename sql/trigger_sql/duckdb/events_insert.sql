-- Records the changed events; that a job was reached follows from them.
insert into events
select
    account,
    trigger_id,
    execution_id,
    job_id,
    type,
    occurred_at
from changed_events
where is_known and type <> 'reached'
