-- Every message id that leads to one of some jobs of some executions and is not the one that the job shows.
-- $trigger_ids: the executions' triggers
-- $execution_ids: the executions
-- $after: only jobs behind this job_id
-- $through: only jobs up to this job_id
select
    execution_id,
    job_id,
    provider,
    provider_message_id
from other_messages
where
    trigger_id in (select unnest($trigger_ids::uuid[]))
    and execution_id in (select unnest($execution_ids::uuid[]))
    and job_id > $after::integer
    and job_id <= $through::integer
order by execution_id, job_id, provider, provider_message_id
