-- Cuts the first contacts back to the hundred lowest job_ids where a reason has gathered more than a thousand.
delete from samples
using (
    select
        trigger_id,
        execution_id,
        reason,
        job_id,
        row_number() over (partition by execution_id, reason order by job_id) as place,
        count(*) over (partition by execution_id, reason) as kept
    from samples
    where trigger_id in (select trigger_id from changed_outcomes)
) as s
where
    s.kept > 1000
    and s.place > 100
    and samples.trigger_id = s.trigger_id
    and samples.execution_id = s.execution_id
    and samples.reason = s.reason
    and samples.job_id = s.job_id
