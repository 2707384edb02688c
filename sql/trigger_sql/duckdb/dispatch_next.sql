-- What a channel's workers wait for: when the next message is due, and when the next claim can be taken over, which for
-- one whose worker is gone is long ago. Null where there is nothing to wait for.
-- $channel: email, sms or whatsapp
-- $workers: the workers that are there; null where there may be others elsewhere
select
    least(
        (select min(due_at) from dispatches where channel = $channel),
        (select min(due_at) from retries where channel = $channel)
    ) as due_at,
    (
        select
            min(
                case
                    when $workers::uuid[] is not null and worker_id not in (select unnest($workers::uuid[]))
                        then '1970-01-01'::timestamp
                    else expires_at
                end
            )
        from claims
        where channel = $channel
    ) as lost_at
