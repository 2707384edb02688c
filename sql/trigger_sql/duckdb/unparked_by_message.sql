-- Takes out the parked events of the staged message ids.
delete from parked_events
using staged_messages as s
where
    parked_events.account = s.account
    and parked_events.provider = s.provider
    and parked_events.provider_message_id = s.provider_message_id
