-- The variants of a template that are in use, by country; the one for everywhere else comes last.
-- $account: the tenant
-- $template_key: the template
-- $channel: email, sms or whatsapp
select
    variant_id,
    country,
    is_approved,
    subject,
    text,
    variables,
    segments,
    price,
    price_per
from template_variants
where
    account = $account
    and template_key = $template_key
    and channel = $channel
    and retired_at is null
order by country nulls last
