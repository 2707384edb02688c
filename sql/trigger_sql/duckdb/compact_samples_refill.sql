-- Puts the trimmed samples back, sorted so that a trigger's rows lie together.
insert into samples
select
    account,
    trigger_id,
    execution_id,
    reason,
    job_id,
    contact
from trimmed_samples
order by trigger_id, execution_id, reason, job_id
