-- Stores a template group over the one of that key, whose id stays.
-- $account: the tenant
-- $template_group_key: the group
-- $template_group_id: its id, if it is new
-- $email: the template for e-mail, null for none
-- $sms: the template for SMS, null for none
-- $whatsapp: the template for WhatsApp, null for none
insert into template_groups
values ($account, $template_group_key, $template_group_id::uuid, $email, $sms, $whatsapp)
on conflict (account, template_group_key) do update set
    email_template_key = excluded.email_template_key,
    sms_template_key = excluded.sms_template_key,
    whatsapp_template_key = excluded.whatsapp_template_key
