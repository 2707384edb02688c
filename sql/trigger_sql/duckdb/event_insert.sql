-- Records the first event of its type of one job.
-- $account: the tenant
-- $trigger_id: the execution's trigger
-- $execution_id: the execution
-- $job_id: the job
-- $type: the event's type
-- $occurred_at: when
insert into events
values ($account, $trigger_id::uuid, $execution_id::uuid, $job_id::integer, $type, $occurred_at::timestamp)
