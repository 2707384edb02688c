-- Records the changed attempts.
insert into attempts
select
    account,
    trigger_id,
    execution_id,
    job_id,
    n,
    occurred_at,
    provider,
    error_code,
    error_message,
    next_attempt_at
from changed_attempts
