-- Adds to the ledger what the staged expectations and starts change: the growth of expected_jobs, an earlier start.
insert into tally
select
    s.account,
    s.trigger_id,
    s.execution_id,
    'expected' as measure,
    null as detail,
    s.expected_jobs - coalesce(e.expected_jobs, 0) as n,
    0 as segments,
    0 as cost,
    null::timestamp as first_at,
    null::timestamp as last_at,
    1 as writes,
    null::varchar[] as first_contacts
from staged_executions as s
inner join executions as e on s.trigger_id = e.trigger_id and s.execution_id = e.execution_id
where s.expected_jobs > coalesce(e.expected_jobs, -1)
union all
select
    s.account,
    s.trigger_id,
    s.execution_id,
    'started' as measure,
    null as detail,
    0 as n,
    0 as segments,
    0 as cost,
    s.started_at as first_at,
    null as last_at,
    1 as writes,
    null as first_contacts
from staged_executions as s
inner join executions as e on s.trigger_id = e.trigger_id and s.execution_id = e.execution_id
where s.started_at < coalesce(e.started_at, 'infinity'::timestamp)
