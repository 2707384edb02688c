-- A workflow's id, and the key of its template group; that is null where it has steps.
-- $account: the tenant
-- $name: the workflow
select
    workflow_id,
    template_group_key
from workflows
where account = $account and name = $name
