-- Lays the staged outcomes beside what their jobs have.
insert into matched_outcomes
select
    s.line,
    p.account,
    p.trigger_id,
    p.execution_id,
    s.job_id,
    s.outcome,
    s.occurred_at,
    coalesce(s.last_at, s.occurred_at) as last_outcome_at,
    s.code,
    s.message,
    s.provider,
    s.provider_message_id,
    s.segments,
    s.cost_in_millionths * 0.000001 as cost,
    j.job_id is not null as is_known,
    coalesce(j.address, j.contact) as contact,
    j.sent_at as old_sent_at,
    j.failed_at as old_failed_at,
    j.filtered_at as old_filtered_at,
    j.cancelled_at as old_cancelled_at,
    j.last_outcome_at as old_last_outcome_at,
    j.message as old_message,
    j.segments as old_segments,
    j.cost as old_cost,
    j.provider as old_provider,
    j.provider_message_id as old_provider_message_id
from staged_outcomes as s
inner join staged_places as p on s.place = p.place
left join jobs as j
    on p.trigger_id = j.trigger_id and p.execution_id = j.execution_id and s.job_id = j.job_id
