-- Takes a workflow's steps away, for others; runs of it have copies of their own.
-- $account: the tenant
-- $workflow_id: the workflow
delete from workflow_steps
where account = $account and workflow_id = $workflow_id::uuid
