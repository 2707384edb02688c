-- Drops the ties that change nothing: not shown, and no time of theirs is news to the job.
delete from changed_outcomes
using jobs as j
where
    changed_outcomes.is_tied
    and not changed_outcomes.is_shown
    and changed_outcomes.trigger_id = j.trigger_id
    and changed_outcomes.execution_id = j.execution_id
    and changed_outcomes.job_id = j.job_id
    and coalesce(changed_outcomes.sent_at >= j.sent_at, changed_outcomes.sent_at is null)
    and coalesce(changed_outcomes.failed_at >= j.failed_at, changed_outcomes.failed_at is null)
    and coalesce(changed_outcomes.filtered_at >= j.filtered_at, changed_outcomes.filtered_at is null)
    and coalesce(changed_outcomes.cancelled_at >= j.cancelled_at, changed_outcomes.cancelled_at is null)
    and changed_outcomes.last_outcome_at <= j.last_outcome_at
