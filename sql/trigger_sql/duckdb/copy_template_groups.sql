-- The template groups of an account, by key.
-- $account: the tenant
select
    template_group_key,
    template_group_id,
    email_template_key,
    sms_template_key,
    whatsapp_template_key
from template_groups
where account = $account
order by template_group_key
