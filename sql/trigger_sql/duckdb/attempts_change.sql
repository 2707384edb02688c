-- Holds the staged attempts against what is recorded: which are new, which are earlier than the one of the same n,
-- which are of the same time and so decided by their text, and which name a job that is not there.
insert into changed_attempts
select
    s.line,
    s.account,
    s.trigger_id,
    s.execution_id,
    s.job_id,
    s.n,
    s.occurred_at,
    s.provider,
    s.error_code,
    s.error_message,
    s.next_attempt_at,
    j.job_id is not null as is_known,
    a.n is null as is_new,
    coalesce(a.occurred_at = s.occurred_at, false) as is_tied
from staged_attempts as s
left join jobs as j
    on s.trigger_id = j.trigger_id and s.execution_id = j.execution_id and s.job_id = j.job_id
left join attempts as a
    on
        s.trigger_id = a.trigger_id
        and s.execution_id = a.execution_id
        and s.job_id = a.job_id
        and s.n = a.n
where a.n is null or s.occurred_at <= a.occurred_at
