-- The executions of some triggers, with what was said of them since and how many jobs they have.
-- $trigger_ids: the triggers
with counts as (
    select
        trigger_id,
        execution_id,
        count(*) as jobs
    from jobs
    where trigger_id in (select unnest($trigger_ids::uuid[]))
    group by trigger_id, execution_id
)

select
    e.account,
    e.trigger_id,
    e.execution_id,
    e.channel,
    e.step_id,
    e.expected_jobs,
    e.started_at,
    coalesce(c.jobs, 0)::integer as jobs
from executions as e
left join counts as c on e.trigger_id = c.trigger_id and e.execution_id = c.execution_id
where e.trigger_id in (select unnest($trigger_ids::uuid[]))
order by e.trigger_id, e.execution_id
