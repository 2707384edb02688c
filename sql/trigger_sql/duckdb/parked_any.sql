-- Whether any event is parked.
select 1 as parked
from parked_events
limit 1
