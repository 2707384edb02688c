-- Written for PostgreSQL: one statement there locks rows, changes them and says which; no lock goes with an outer join.
-- Records the staged outcomes that are the first of their jobs and say sent or failed, as most are, and lays the others
-- beside what their jobs have.
with places as materialized (
    select
        p.*,
        -- What a first outcome changes where workers have jobs of a cancelled trigger in hand is counted elsewhere.
        (select true from claims as c where p.trigger_id = c.trigger_id and c.held is not null limit 1) as is_held
    from staged_places as p
),

named as not materialized (
    select
        p.account,
        p.trigger_id,
        p.execution_id,
        p.is_held,
        s.*
    from staged_outcomes as s
    inner join places as p on s.place = p.place
    order by p.trigger_id, p.execution_id, s.job_id
),

-- One job after the other, in the order of their keys and each by its key, whatever the planner expects. Each is as its
-- last writer left it, also one who wrote since this statement began.
locked as materialized (
    select
        n.*,
        j.*,
        (n.outcome in ('sent', 'failed') and j.old_last_outcome_at is null and n.is_held is null) as is_first
    from named as n
    cross join lateral (
        select
            f.ctid as row_id,
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
        where n.trigger_id = f.trigger_id and n.execution_id = f.execution_id and n.job_id = f.job_id
        for update
    ) as j
),

-- What was written since this statement began is not found here, and so is held against its job like the others.
recorded as (
    update jobs
    set
        sent_at = case when l.outcome = 'sent' then l.occurred_at end,
        failed_at = case when l.outcome = 'failed' then l.occurred_at end,
        last_outcome_at = coalesce(l.last_at, l.occurred_at),
        code = l.code,
        message = l.message,
        provider = l.provider,
        provider_message_id = l.provider_message_id,
        segments = l.segments,
        cost = l.cost_in_millionths * 0.000001
    from locked as l
    where l.is_first and jobs.trigger_id = l.trigger_id and jobs.ctid = l.row_id
    returning
        l.row_id,
        l.account,
        l.trigger_id,
        l.execution_id,
        l.outcome,
        l.occurred_at,
        l.segments,
        l.cost_in_millionths,
        coalesce(l.last_at, l.occurred_at) as last_outcome_at
),

counted as (
    insert into recorded_outcomes
    select
        account,
        trigger_id,
        execution_id,
        outcome,
        count(*) as n,
        sum(segments) as segments,
        sum(cost_in_millionths) * 0.000001 as cost,
        min(occurred_at) as first_at,
        max(last_outcome_at) as last_at
    from recorded
    group by account, trigger_id, execution_id, outcome
    returning n
),

others as (
    select
        l.*,
        true as is_known
    from locked as l
    where
        not l.is_first
        or (
            (select coalesce(sum(c.n), 0) from counted as c) < (select count(*) from locked as f where f.is_first)
            and not exists (select 1 from recorded as r where l.row_id = r.row_id)
        )
    union all
    select
        n.*,
        null as row_id,
        null as contact,
        null as old_sent_at,
        null as old_failed_at,
        null as old_filtered_at,
        null as old_cancelled_at,
        null as old_last_outcome_at,
        null as old_message,
        null as old_segments,
        null as old_cost,
        null as old_provider,
        null as old_provider_message_id,
        null as is_first,
        false as is_known
    from named as n
    where
        (select count(*) from locked) < (select count(*) from staged_outcomes)
        and not exists (select 1 from locked as l where n.place = l.place and n.job_id = l.job_id)
)

insert into matched_outcomes
select
    line,
    account,
    trigger_id,
    execution_id,
    job_id,
    outcome,
    occurred_at,
    coalesce(last_at, occurred_at) as last_outcome_at,
    code,
    message,
    provider,
    provider_message_id,
    segments,
    cost_in_millionths * 0.000001 as cost,
    is_known,
    contact,
    old_sent_at,
    old_failed_at,
    old_filtered_at,
    old_cancelled_at,
    old_last_outcome_at,
    old_message,
    old_segments,
    old_cost,
    old_provider,
    old_provider_message_id
from others
