-- Written for PostgreSQL: its rows lie in no order that reading could use, so only what folds is touched.
-- Folds the ledger where a trigger, execution, measure and detail have several rows. No answer changes, nor does a
-- trigger's sum of writes; rows that others append or fold meanwhile stay.
with several as (
    select
        trigger_id,
        execution_id,
        measure,
        detail
    from tally
    group by trigger_id, execution_id, measure, detail
    having count(*) > 1
),

mine as (
    select t.ctid as place
    from tally as t
    inner join several as s
        on
            t.trigger_id = s.trigger_id
            and t.execution_id is not distinct from s.execution_id
            and t.measure = s.measure
            and t.detail is not distinct from s.detail
    for update of t skip locked
),

gone as (
    delete from tally
    using mine
    where tally.ctid = mine.place
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
