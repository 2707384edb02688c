-- Holds the staged outcomes against their jobs, old and new side by side. is_shown: the staged fact is what the job
-- shows from now on, being of a better rank or earlier in the same; is_tied: of the same rank and time, so decided by
-- its text. Rows that would change nothing are left out, unless they name another message than the job: those are no
-- news.
insert into changed_outcomes
with held as (
    select
        s.line,
        p.account,
        p.trigger_id,
        p.execution_id,
        s.job_id,
        s.outcome,
        case s.outcome when 'sent' then 1 when 'failed' then 2 when 'filtered' then 3 else 4 end as rank,
        s.occurred_at,
        case when s.outcome = 'sent' then s.occurred_at end as sent_at,
        case when s.outcome = 'failed' then s.occurred_at end as failed_at,
        case when s.outcome = 'filtered' then s.occurred_at end as filtered_at,
        case when s.outcome = 'cancelled' then s.occurred_at end as cancelled_at,
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
        coalesce(j.sent_at, j.failed_at, j.filtered_at, j.cancelled_at) as old_at,
        case
            when j.sent_at is not null then 1
            when j.failed_at is not null then 2
            when j.filtered_at is not null then 3
            when j.cancelled_at is not null then 4
            else 5
        end as old_rank,
        j.message as old_message,
        j.segments as old_segments,
        j.cost as old_cost,
        j.provider as old_provider,
        j.provider_message_id as old_provider_message_id
    from staged_outcomes as s
    inner join staged_places as p on s.place = p.place
    left join jobs as j
        on p.trigger_id = j.trigger_id and p.execution_id = j.execution_id and s.job_id = j.job_id
),

compared as (
    select
        *,
        (
            rank < old_rank
            or (rank = old_rank and occurred_at <= old_at)
            or sent_at < coalesce(old_sent_at, 'infinity'::timestamp)
            or failed_at < coalesce(old_failed_at, 'infinity'::timestamp)
            or filtered_at < coalesce(old_filtered_at, 'infinity'::timestamp)
            or cancelled_at < coalesce(old_cancelled_at, 'infinity'::timestamp)
            or last_outcome_at > old_last_outcome_at
        ) as is_news,
        (
            provider_message_id is not null
            and (provider is distinct from old_provider or provider_message_id is distinct from old_provider_message_id)
        ) as is_other_message
    from held
)

select
    line,
    account,
    trigger_id,
    execution_id,
    job_id,
    outcome,
    sent_at,
    failed_at,
    filtered_at,
    cancelled_at,
    last_outcome_at,
    code,
    message,
    provider,
    provider_message_id,
    segments,
    cost,
    case old_rank when 1 then 'sent' when 2 then 'failed' when 3 then 'filtered' when 4 then 'cancelled' end
        as old_outcome,
    case when old_rank = 3 then old_message end as old_reason,
    case when old_rank = 1 then old_segments end as old_segments,
    case when old_rank = 1 then old_cost end as old_cost,
    old_provider,
    old_provider_message_id,
    contact,
    is_known,
    is_news,
    (rank < old_rank or (rank = old_rank and occurred_at < old_at)) as is_shown,
    (rank = old_rank and occurred_at = old_at) as is_tied
from compared
where is_news or is_other_message
