-- The jobs of a claim that have no outcome, with all that a message to them is made of.
-- $claim_id: the claim
with members as (
    select
        *,
        unnest(generate_series(first_job_id, last_job_id))::integer as job_id
    from claims
    where claim_id = $claim_id::uuid
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
    v.variables as given
from members as c
inner join jobs as j
    on
        c.account = j.account
        and c.trigger_id = j.trigger_id
        and c.execution_id = j.execution_id
        and c.job_id = j.job_id
left join trigger_variables as v on c.account = v.account and c.trigger_id = v.trigger_id
where
    j.sent_at is null
    and j.failed_at is null
    and j.filtered_at is null
    and j.cancelled_at is null
order by j.execution_id, j.job_id
