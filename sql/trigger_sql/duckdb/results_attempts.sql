-- Lays out the attempts that the staged results are of.
-- $now: when they were made
-- $provider: who was asked
insert into staged_attempts
select
    0 as line,
    p.account,
    p.trigger_id,
    r.execution_id,
    r.job_id,
    r.n,
    $now::timestamp as occurred_at,
    $provider as provider,
    r.code as error_code,
    r.message as error_message,
    r.next_attempt_at
from staged_results as r
inner join staged_places as p on r.execution_id = p.execution_id
