-- Leaves each filter reason the samples with the hundred lowest job_ids, sorted so that a trigger's rows lie together.
with gone as (
    delete from samples
    returning *
)

insert into samples
select
    account,
    trigger_id,
    execution_id,
    reason,
    job_id,
    contact
from gone
qualify row_number() over (partition by account, trigger_id, execution_id, reason order by job_id) <= 100
order by trigger_id, execution_id, reason, job_id
