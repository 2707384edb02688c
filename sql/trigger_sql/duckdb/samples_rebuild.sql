-- Where so many jobs left a reason that fewer than a hundred of its first contacts are kept, and there are more: keeps
-- the next ones, up to a thousand, so that it will be long until this is needed again.
insert into samples
with reasons as (
    select distinct
        account,
        trigger_id,
        execution_id,
        old_reason as reason
    from changed_outcomes
    where is_shown and old_reason is not null and (outcome <> 'filtered' or message <> old_reason)
),

kept as (
    select
        r.execution_id,
        r.reason,
        count(s.job_id) as kept,
        coalesce(max(s.job_id), 0) as last_kept
    from reasons as r
    left join samples as s
        on r.trigger_id = s.trigger_id and r.execution_id = s.execution_id and r.reason = s.reason
    group by r.execution_id, r.reason
),

counted as (
    select
        r.execution_id,
        r.reason,
        sum(t.n) as n
    from reasons as r
    inner join tally as t
        on
            r.account = t.account
            and r.trigger_id = t.trigger_id
            and r.execution_id = t.execution_id
            and r.reason = t.detail
    where t.measure = 'filtered'
    group by r.execution_id, r.reason
),

wanting as (
    select
        r.account,
        r.trigger_id,
        r.execution_id,
        r.reason,
        k.last_kept
    from reasons as r
    inner join kept as k on r.execution_id = k.execution_id and r.reason = k.reason
    inner join counted as c on r.execution_id = c.execution_id and r.reason = c.reason
    where k.kept < 100 and k.kept < c.n
)

select
    j.account,
    j.trigger_id,
    j.execution_id,
    j.message as reason,
    j.job_id,
    coalesce(j.address, j.contact) as contact
from jobs as j
inner join wanting as w
    on
        j.trigger_id = w.trigger_id
        and j.execution_id = w.execution_id
        and j.message = w.reason
        and j.job_id > w.last_kept
where j.sent_at is null and j.failed_at is null and j.filtered_at is not null
qualify row_number() over (partition by j.execution_id, j.message order by j.job_id) <= 1000
