-- The jobs of a claim that have no outcome, with all that a message to them is made of.
-- $claim_id: the claim
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
from claims as c
inner join jobs as j
    on
        c.account = j.account
        and c.trigger_id = j.trigger_id
        and c.execution_id = j.execution_id
        and j.job_id between c.first_job_id and c.last_job_id
left join trigger_variables as v on c.account = v.account and c.trigger_id = v.trigger_id
where
    c.claim_id = $claim_id::uuid
    and j.sent_at is null
    and j.failed_at is null
    and j.filtered_at is null
    and j.cancelled_at is null
order by j.execution_id, j.job_id
