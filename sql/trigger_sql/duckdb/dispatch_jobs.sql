-- The jobs of a claim that have no outcome, with all that a message to them is made of, and whether they were scheduled
-- and the contact has opted out of the channel by now.
-- $claim_id: the claim
-- $channel: the claim's
with members as (
    select
        *,
        unnest(generate_series(first_job_id, last_job_id))::integer as job_id
    from claims
    where claim_id = $claim_id::uuid
),

leavers as (
    select
        account,
        external_id
    from contacts
    where
        ($channel::varchar = 'email' and email_opted_out)
        or ($channel::varchar = 'sms' and sms_opted_out)
        or ($channel::varchar = 'whatsapp' and whatsapp_opted_out)
)

select
    j.account,
    j.trigger_id::varchar as trigger_id,
    j.execution_id::varchar as execution_id,
    j.job_id,
    c.n,
    c.dead_at,
    j.contact,
    j.address,
    j.variant_id::varchar as variant_id,
    j.variables,
    v.variables as given,
    t.scheduled_at is not null and l.external_id is not null as has_opted_out
from members as c
inner join jobs as j
    on
        c.account = j.account
        and c.trigger_id = j.trigger_id
        and c.execution_id = j.execution_id
        and c.job_id = j.job_id
inner join triggers as t on c.account = t.account and c.trigger_id = t.trigger_id
left join trigger_variables as v on c.account = v.account and c.trigger_id = v.trigger_id
left join leavers as l on j.account = l.account and j.contact = l.external_id
where
    j.sent_at is null
    and j.failed_at is null
    and j.filtered_at is null
    and j.cancelled_at is null
order by j.execution_id, j.job_id
