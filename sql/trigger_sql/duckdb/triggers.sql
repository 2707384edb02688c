-- A page of an account's triggers, newest first.
-- $account: the tenant
-- $flow_type: only triggers of this flow; null for all
-- $trigger_type: only triggers of this type; null for all
-- $created_after: only triggers made after this time; null for all
-- $created_before: only triggers made before this time; null for all
-- $before_at: with $before_id, the page begins behind the trigger made then; null for the first page
-- $before_id: see $before_at
-- $limit: at most so many
select
    trigger_id,
    created_at
from triggers
where
    account = $account
    and ($flow_type::varchar is null or flow_type = $flow_type)
    and ($trigger_type::varchar is null or trigger_type = $trigger_type)
    and ($created_after::timestamp is null or created_at > $created_after::timestamp)
    and ($created_before::timestamp is null or created_at < $created_before::timestamp)
    and (
        $before_at::timestamp is null
        or created_at < $before_at::timestamp
        or (created_at = $before_at::timestamp and trigger_id < $before_id::uuid)
    )
order by created_at desc, trigger_id desc
limit $limit::integer
