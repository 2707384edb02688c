-- Stores a workflow over the one of that name, whose id stays.
-- $account: the tenant
-- $name: the workflow
-- $workflow_id: its id, if it is new
-- $template_group_key: its template group, null where it has steps
insert into workflows
values ($account, $name, $workflow_id::uuid, $template_group_key)
on conflict (account, name) do update set template_group_key = excluded.template_group_key
