-- Adds to the ledger how many of the changed outcomes' jobs left a filter reason and how many came to one, and of each
-- reason the first that came, unless some left: who is first does not follow from the ledger then.
insert into tally
with entries as (
    select
        account,
        trigger_id,
        execution_id,
        old_reason as reason,
        job_id,
        contact,
        -1 as n
    from changed_outcomes
    where is_shown and old_reason is not null and (outcome <> 'filtered' or message <> old_reason)
    union all
    select
        account,
        trigger_id,
        execution_id,
        message as reason,
        job_id,
        contact,
        1 as n
    from changed_outcomes
    where is_shown and outcome = 'filtered' and message is distinct from old_reason
),

placed as (
    select
        *,
        row_number() over (partition by trigger_id, execution_id, reason, n order by job_id) as place
    from entries
)

select
    account,
    trigger_id,
    execution_id,
    'filtered' as measure,
    reason as detail,
    sum(n) as n,
    0 as segments,
    0 as cost,
    null as first_at,
    null as last_at,
    1 as writes,
    case when min(n) = 1 then array_agg(job_id || ' ' || contact order by job_id) filter (where place <= 10) end
        as first_contacts
from placed
group by account, trigger_id, execution_id, reason
