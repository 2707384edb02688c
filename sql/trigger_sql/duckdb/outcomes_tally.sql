-- Adds to the ledger what the changed outcomes change: minus what was shown, plus what is shown now, and the times.
-- Filtered jobs are counted by `outcomes_filtered_tally`. Outcomes that are recorded already are added, too.
insert into tally
with entries as (
    select
        account,
        trigger_id,
        execution_id,
        old_outcome as measure,
        -1 as n,
        -old_segments as segments,
        -old_cost as cost,
        null::timestamp as first_at,
        null::timestamp as last_at
    from changed_outcomes
    where is_shown and old_outcome <> 'filtered'
    union all
    select
        account,
        trigger_id,
        execution_id,
        outcome as measure,
        1 as n,
        case outcome when 'sent' then segments end as segments,
        case outcome when 'sent' then cost end as cost,
        null as first_at,
        null as last_at
    from changed_outcomes
    where is_shown and outcome <> 'filtered'
    union all
    select
        account,
        trigger_id,
        execution_id,
        'outcome' as measure,
        0 as n,
        0 as segments,
        0 as cost,
        least(sent_at, failed_at) as first_at,
        last_outcome_at as last_at
    from changed_outcomes
    where is_news
    union all
    select
        account,
        trigger_id,
        execution_id,
        'filtered' as measure,
        0 as n,
        0 as segments,
        0 as cost,
        filtered_at as first_at,
        null as last_at
    from changed_outcomes
    where is_news and filtered_at is not null
    union all
    select
        account,
        trigger_id,
        execution_id,
        outcome as measure,
        n,
        case outcome when 'sent' then segments end as segments,
        case outcome when 'sent' then cost end as cost,
        null as first_at,
        null as last_at
    from recorded_outcomes
    union all
    select
        account,
        trigger_id,
        execution_id,
        'outcome' as measure,
        0 as n,
        0 as segments,
        0 as cost,
        first_at,
        last_at
    from recorded_outcomes
)

select
    account,
    trigger_id,
    execution_id,
    measure,
    null as detail,
    sum(n) as n,
    coalesce(sum(segments), 0) as segments,
    coalesce(sum(cost), 0) as cost,
    min(first_at) as first_at,
    max(last_at) as last_at,
    1 as writes,
    null as first_contacts
from entries
group by account, trigger_id, execution_id, measure
