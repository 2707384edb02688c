-- Cuts the first contacts back to the hundred lowest job_ids where a reason has gathered more than a thousand.
delete from samples
using (
    select
        s.trigger_id,
        s.execution_id,
        s.reason,
        s.job_id,
        row_number() over (partition by s.execution_id, s.reason order by s.job_id) as place,
        count(*) over (partition by s.execution_id, s.reason) as kept
    from samples as s
    where s.trigger_id in (select c.trigger_id from changed_outcomes as c)
) as p
where
    p.kept > 1000
    and p.place > 100
    and samples.trigger_id = p.trigger_id
    and samples.execution_id = p.execution_id
    and samples.reason = p.reason
    and samples.job_id = p.job_id
