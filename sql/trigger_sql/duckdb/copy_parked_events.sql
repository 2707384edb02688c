-- A page of the events that wait for their job, by event_id; those of one event_id are on one page.
-- $after: only those behind this event_id
-- $limit: about so many
select
    account,
    event_id,
    execution_id,
    job_id,
    provider,
    provider_message_id,
    type,
    occurred_at
from parked_events
where
    event_id > $after
    and event_id <= (
        select max(p.event_id)
        from (
            select event_id
            from parked_events
            where event_id > $after
            order by event_id
            limit $limit::integer
        ) as p
    )
order by event_id
