-- Written for PostgreSQL: several may fold a ledger at once there, and none waits for another.
-- Folds one trigger's ledger. Neither its answers change nor its sum of writes; rows that others append or fold
-- meanwhile stay.
-- $account: the tenant
-- $trigger_id: the trigger
with mine as (
    select ctid as place
    from tally
    where account = $account and trigger_id = $trigger_id::uuid
    for update skip locked
),

gone as (
    delete from tally
    using mine
    where tally.trigger_id = $trigger_id::uuid and tally.ctid = mine.place
    returning tally.*
),

listed as (
    select distinct
        trigger_id,
        execution_id,
        detail,
        unnest(first_contacts) as contact
    from gone
    where measure = 'filtered'
),

placed as (
    select
        *,
        row_number() over (
            partition by trigger_id, execution_id, detail order by split_part(contact, ' ', 1)::integer
        ) as place
    from listed
),

firsts as (
    select
        trigger_id,
        execution_id,
        detail,
        array_agg(contact order by place) as first_contacts
    from placed
    where place <= 10
    group by trigger_id, execution_id, detail
),

folded as (
    select
        account,
        trigger_id,
        execution_id,
        measure,
        detail,
        sum(n) as n,
        sum(segments) as segments,
        sum(cost) as cost,
        min(first_at) as first_at,
        max(last_at) as last_at,
        sum(writes) as writes,
        count(*) = count(first_contacts) as is_known
    from gone
    group by account, trigger_id, execution_id, measure, detail
)

insert into tally
select
    t.account,
    t.trigger_id,
    t.execution_id,
    t.measure,
    t.detail,
    t.n,
    t.segments,
    t.cost,
    t.first_at,
    t.last_at,
    t.writes,
    case when t.is_known then coalesce(f.first_contacts, array[]::text[]) end as first_contacts
from folded as t
left join firsts as f
    on
        t.trigger_id = f.trigger_id
        and t.execution_id = f.execution_id
        and t.detail = f.detail
        and t.measure = 'filtered'
order by t.execution_id, t.measure, t.detail
