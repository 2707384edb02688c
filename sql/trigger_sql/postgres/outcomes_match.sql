-- Written for PostgreSQL: most outcomes are recorded there when their jobs are locked, by `outcomes_record`.
-- Lays the staged outcomes that weren't beside what their jobs have, each job found by its key, whatever the planner
-- expects.
insert into matched_outcomes
select
    u.line,
    p.account,
    p.trigger_id,
    p.execution_id,
    u.job_id,
    u.outcome,
    u.occurred_at,
    coalesce(u.last_at, u.occurred_at) as last_outcome_at,
    u.code,
    u.message,
    u.provider,
    u.provider_message_id,
    u.segments,
    u.cost_in_millionths * 0.000001 as cost,
    j.job_id is not null as is_known,
    j.contact,
    j.old_sent_at,
    j.old_failed_at,
    j.old_filtered_at,
    j.old_cancelled_at,
    j.old_last_outcome_at,
    j.old_message,
    j.old_segments,
    j.old_cost,
    j.old_provider,
    j.old_provider_message_id
from unrecorded_outcomes as u
inner join staged_places as p on u.place = p.place
left join lateral (
    select
        f.job_id,
        coalesce(f.address, f.contact) as contact,
        f.sent_at as old_sent_at,
        f.failed_at as old_failed_at,
        f.filtered_at as old_filtered_at,
        f.cancelled_at as old_cancelled_at,
        f.last_outcome_at as old_last_outcome_at,
        f.message as old_message,
        f.segments as old_segments,
        f.cost as old_cost,
        f.provider as old_provider,
        f.provider_message_id as old_provider_message_id
    from jobs as f
    where
        p.trigger_id = f.trigger_id
        and p.execution_id = f.execution_id
        and u.job_id = f.job_id
        and f.contact <> ''  -- `outcomes_record` adds such jobs
    offset 0
) as j on true
