-- The template variants of an account, those out of use included, by variant_id.
-- $account: the tenant
select
    variant_id,
    template_key,
    channel,
    country,
    is_approved,
    subject,
    text,
    variables,
    segments,
    price,
    price_per,
    created_at,
    retired_at
from template_variants
where account = $account
order by variant_id
