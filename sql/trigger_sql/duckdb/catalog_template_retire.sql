-- Takes the variants of a template out of use; what was planned with them keeps them.
-- $account: the tenant
-- $template_key: the template
-- $channel: email, sms or whatsapp
-- $now: since when
update template_variants
set retired_at = $now::timestamp
where
    account = $account
    and template_key = $template_key
    and channel = $channel
    and retired_at is null
