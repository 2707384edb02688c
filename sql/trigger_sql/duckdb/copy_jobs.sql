-- A page of the jobs of some executions, as they are recorded. What was planned of a job that is still to be sent is
-- left out: that goes over with what is to be sent.
-- $trigger_ids: the executions' triggers
-- $execution_ids: the executions
-- $after: only jobs behind this job_id
-- $through: only jobs up to this job_id
-- $limit: at most so many
select
    j.execution_id,
    j.job_id,
    j.contact,
    j.address,
    j.sent_at,
    j.failed_at,
    j.filtered_at,
    j.cancelled_at,
    j.last_outcome_at,
    j.code,
    j.message,
    j.provider,
    j.provider_message_id,
    j.segments,
    j.cost,
    case when j.last_outcome_at is not null then j.variant_id end as variant_id,
    case when j.last_outcome_at is not null then j.planned_segments end as planned_segments,
    case when j.last_outcome_at is not null then j.planned_cost end as planned_cost,
    case when j.last_outcome_at is not null then j.variables end as variables
from jobs as j
where
    j.trigger_id in (select unnest($trigger_ids::uuid[]))
    and j.execution_id in (select unnest($execution_ids::uuid[]))
    and j.job_id > $after::integer
    and j.job_id <= $through::integer
order by j.execution_id, j.job_id
limit $limit::integer
