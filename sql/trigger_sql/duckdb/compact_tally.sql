-- Folds the whole ledger, one row per trigger, execution, measure and detail, sorted so that a trigger's rows lie
-- together. No answer changes, nor does a trigger's sum of writes. Who is first of a filter reason is taken from the
-- samples, so it follows from the ledger again where a job has left the reason.
with gone as (
    delete from tally
    returning *
),

placed as (
    select
        trigger_id,
        execution_id,
        reason,
        job_id,
        contact,
        row_number() over (partition by trigger_id, execution_id, reason order by job_id) as place
    from samples
),

firsts as (
    select
        trigger_id,
        execution_id,
        reason,
        array_agg(job_id || ' ' || contact order by job_id) as first_contacts
    from placed
    where place <= 10
    group by trigger_id, execution_id, reason
),

folded as (
    select
        account,
        trigger_id,
        execution_id,
        measure,
        detail,
        sum(n)::bigint as n,
        sum(segments)::bigint as segments,
        sum(cost)::decimal(38, 6) as cost,
        min(first_at) as first_at,
        max(last_at) as last_at,
        sum(writes)::bigint as writes
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
    case when t.measure = 'filtered' and t.detail is not null then coalesce(f.first_contacts, []::varchar[]) end
        as first_contacts
from folded as t
left join firsts as f
    on
        t.trigger_id = f.trigger_id
        and t.execution_id = f.execution_id
        and t.detail = f.reason
        and t.measure = 'filtered'
order by t.trigger_id, t.execution_id, t.measure, t.detail
