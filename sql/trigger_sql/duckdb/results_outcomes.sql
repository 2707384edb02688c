-- Lays out the outcomes that the staged results mean: sent, with the segments and the price that were planned where the
-- sender doesn't say, or failed, unless there is to be another attempt.
-- $now: when it became known
-- $provider: who was asked
-- $is_held: whether the claim is still its worker's; if not, another one decides what failed
insert into staged_outcomes
select
    0 as line,
    p.place,
    r.job_id,
    case when r.code is null then 'sent' else 'failed' end as outcome,
    $now::timestamp as occurred_at,
    null as last_at,
    r.code,
    r.message,
    $provider as provider,
    r.provider_message_id,
    case when r.code is null then coalesce(r.segments, j.planned_segments) end as segments,
    case when r.code is null then (coalesce(r.cost, j.planned_cost)::decimal(24, 6) * 1000000)::bigint end
        as cost_in_millionths
from staged_results as r
inner join staged_places as p on r.execution_id = p.execution_id
inner join jobs as j
    on p.trigger_id = j.trigger_id and r.execution_id = j.execution_id and r.job_id = j.job_id
where r.next_attempt_at is null and (r.code is null or $is_held)
