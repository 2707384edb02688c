-- Lays aside, of each filter reason's samples, those with the hundred lowest job_ids.
create or replace temp table trimmed_samples as
select
    account,
    trigger_id,
    execution_id,
    reason,
    job_id,
    contact
from samples
qualify row_number() over (partition by account, trigger_id, execution_id, reason order by job_id) <= 100
