-- Which of some templates there are, and for which channels.
-- $account: the tenant
-- $template_keys: the templates
select distinct
    channel,
    template_key
from template_variants
where
    account = $account
    and retired_at is null
    and template_key in (select unnest($template_keys::varchar[]))
