-- How many of an execution's jobs match, where the ledger doesn't know.
-- $account: the tenant
-- $trigger_id: the execution's trigger
-- $execution_id: the execution
-- $unended: what a job without an outcome shows: pending, or cancelled once its trigger is
-- $claimed: job_ids that are pending all the same: a sender has them in hand
-- $status: only jobs that show this; null for all
-- $filter_code: only jobs filtered with this code; null for all
-- $contact: only this contact's jobs; null for all
with shown as (
    select
        *,
        case
            when sent_at is not null then 'sent'
            when failed_at is not null then 'failed'
            when filtered_at is not null then 'filtered'
            when cancelled_at is not null then 'cancelled'
            when job_id = any($claimed::integer[]) then 'pending'
            else $unended
        end as status
    from jobs
    where
        account = $account
        and trigger_id = $trigger_id::uuid
        and execution_id = $execution_id::uuid
)

select count(*) as total
from shown
where
    ($status::varchar is null or status = $status)
    and ($filter_code::varchar is null or (status = 'filtered' and code = $filter_code))
    and ($contact::varchar is null or contact = $contact)
