-- Holds the outcomes that are laid beside their jobs against them, old and new side by side. is_shown: the staged fact
-- is what the job shows from now on, being of a better rank or earlier in the same; is_tied: of the same rank and time,
-- so decided by its text. Rows that would change nothing are left out, unless they name another message than the job:
-- those are no news.
insert into changed_outcomes
with ranked as (
    select
        *,
        case outcome when 'sent' then 1 when 'failed' then 2 when 'filtered' then 3 else 4 end as rank,
        case when outcome = 'sent' then occurred_at end as sent_at,
        case when outcome = 'failed' then occurred_at end as failed_at,
        case when outcome = 'filtered' then occurred_at end as filtered_at,
        case when outcome = 'cancelled' then occurred_at end as cancelled_at,
        coalesce(old_sent_at, old_failed_at, old_filtered_at, old_cancelled_at) as old_at,
        case
            when old_sent_at is not null then 1
            when old_failed_at is not null then 2
            when old_filtered_at is not null then 3
            when old_cancelled_at is not null then 4
            else 5
        end as old_rank
    from matched_outcomes
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
    from ranked
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
