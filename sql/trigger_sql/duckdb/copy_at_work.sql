-- A page of the triggers of which something is still to be sent, by trigger_id.
-- $behind: only those behind this trigger_id
-- $limit: at most so many
select distinct
    w.account,
    w.trigger_id
from (
    select
        account,
        trigger_id
    from dispatches
    union all
    select
        account,
        trigger_id
    from retries
    union all
    select
        account,
        trigger_id
    from scheduled_steps
) as w
where w.trigger_id > $behind::uuid
order by w.trigger_id
limit $limit::integer
