-- Of two attempts of one job, n and time the one whose canonical JSON is smaller stays: what is not smaller is dropped
-- from the changes. The texts are built from the members that can differ, in the order of their keys.
delete from changed_attempts
using attempts as a
where
    changed_attempts.is_tied
    and changed_attempts.trigger_id = a.trigger_id
    and changed_attempts.execution_id = a.execution_id
    and changed_attempts.job_id = a.job_id
    and changed_attempts.n = a.n
    and coalesce(
        '"error":{"code":' || to_json(changed_attempts.error_code)::varchar
        || ',"message":' || to_json(changed_attempts.error_message)::varchar || '},',
        ''
    )
    || '"execution_id'
    || coalesce(',"next_attempt_at":"' || changed_attempts.next_attempt_at::varchar || '"', '')
    || coalesce(',"provider":' || to_json(changed_attempts.provider)::varchar, '')
    || '}'
    >= coalesce(
        '"error":{"code":' || to_json(a.error_code)::varchar
        || ',"message":' || to_json(a.error_message)::varchar || '},',
        ''
    )
    || '"execution_id'
    || coalesce(',"next_attempt_at":"' || a.next_attempt_at::varchar || '"', '')
    || coalesce(',"provider":' || to_json(a.provider)::varchar, '')
    || '}'
