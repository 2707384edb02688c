-- Keeps the largest expected_jobs and the earliest start of each staged execution.
update executions
set
    expected_jobs = greatest(executions.expected_jobs, s.expected_jobs),
    started_at = least(executions.started_at, s.started_at)
from staged_executions as s
where executions.trigger_id = s.trigger_id and executions.execution_id = s.execution_id
