-- A template group: its id, and the template of each channel, null where it has none.
-- $account: the tenant
-- $template_group_key: the group
select
    template_group_id,
    email_template_key,
    sms_template_key,
    whatsapp_template_key
from template_groups
where account = $account and template_group_key = $template_group_key
