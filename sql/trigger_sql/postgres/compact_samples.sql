-- Written for PostgreSQL: its rows lie in no order that reading could use, so only what is too much goes.
-- Leaves each filter reason the samples with the hundred lowest job_ids.
delete from samples
using (
    select
        trigger_id,
        execution_id,
        reason,
        job_id,
        row_number() over (partition by trigger_id, execution_id, reason order by job_id) as place
    from samples
) as p
where
    p.place > 100
    and samples.trigger_id = p.trigger_id
    and samples.execution_id = p.execution_id
    and samples.reason = p.reason
    and samples.job_id = p.job_id
