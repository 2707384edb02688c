-- Whom the ledger says to be the first of each reason for which jobs of the staged executions were filtered.
with placed as (
    select
        s.execution_id,
        s.reason,
        s.job_id,
        s.contact,
        row_number() over (partition by s.execution_id, s.reason order by s.job_id) as place
    from staged_plans as p
    inner join samples as s on p.trigger_id = s.trigger_id and p.execution_id = s.execution_id
)

select
    execution_id::varchar as execution_id,
    reason,
    array_agg(job_id || ' ' || contact order by job_id) as first_contacts
from placed
where place <= 10
group by execution_id, reason
