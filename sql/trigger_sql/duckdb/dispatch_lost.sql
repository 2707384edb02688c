-- A claim on a channel whose worker is gone: it has expired, or none of the workers that are there made it.
-- $channel: email, sms or whatsapp
-- $now: what has expired by then
-- $workers: the workers that are there; null where there may be others elsewhere
select distinct claim_id::varchar as claim_id
from claims
where
    channel = $channel
    and (
        expires_at <= $now::timestamp
        or (
            $workers::uuid[] is not null
            and worker_id not in (select unnest($workers::uuid[]))
        )
    )
limit 1
