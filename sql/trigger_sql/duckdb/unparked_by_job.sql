-- Takes out the parked events of the staged jobs; those claimed for another account go with them.
delete from parked_events
using staged_jobs as s
where parked_events.execution_id = s.execution_id and parked_events.job_id = s.job_id
