-- Which first contacts of a filter reason the ledger has wrong, in all accounts: none, unless something is wrong. The
-- ten with the lowest job_ids must be those derived again from the jobs, unless a row of the reason says that they do
-- not follow from the ledger.
with reasons as (
    select
        account,
        trigger_id,
        execution_id,
        detail as reason
    from tally
    where measure = 'filtered' and detail is not null
    group by account, trigger_id, execution_id, detail
    having count(*) = count(first_contacts)
),

told as (
    select
        account,
        trigger_id,
        execution_id,
        detail as reason,
        unnest(first_contacts) as contact
    from tally
    where measure = 'filtered' and detail is not null
),

placed as (
    select
        true as is_recorded,
        account,
        trigger_id,
        execution_id,
        reason,
        contact,
        row_number() over (
            partition by account, trigger_id, execution_id, reason order by split_part(contact, ' ', 1)::integer
        ) as place
    from told
    union all
    select
        false as is_recorded,
        account,
        trigger_id,
        execution_id,
        message as reason,
        job_id || ' ' || coalesce(address, contact) as contact,
        row_number() over (partition by account, trigger_id, execution_id, message order by job_id) as place
    from jobs
    where sent_at is null and failed_at is null and filtered_at is not null
),

compared as (
    select
        account,
        trigger_id,
        execution_id,
        reason,
        place,
        max(contact) filter (where is_recorded) as recorded,
        max(contact) filter (where not is_recorded) as derived
    from placed
    where place <= 10
    group by account, trigger_id, execution_id, reason, place
)

select
    c.account,
    c.trigger_id,
    c.execution_id,
    'contact ' || c.place || ' in the ledger for reason ' || c.reason as subject,
    c.recorded,
    c.derived
from compared as c
inner join reasons as r
    on
        c.account = r.account
        and c.trigger_id = r.trigger_id
        and c.execution_id = r.execution_id
        and c.reason = r.reason
where c.recorded is distinct from c.derived
order by c.account, c.trigger_id, c.execution_id, c.reason, c.place
