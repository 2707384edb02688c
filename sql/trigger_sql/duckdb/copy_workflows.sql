-- The workflows of an account, by name; a row for each step, or one without a step for a template group.
-- $account: the tenant
select
    w.name,
    w.workflow_id,
    w.template_group_key,
    s.step_order,
    s.step_id,
    s.step_name,
    s.channel,
    s.template_key,
    s.delay_minutes
from workflows as w
left join workflow_steps as s on w.account = s.account and w.workflow_id = s.workflow_id
where w.account = $account
order by w.name, s.step_order
