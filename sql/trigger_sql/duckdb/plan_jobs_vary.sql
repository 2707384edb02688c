-- Whether a text that the staged executions may be sent has variables, so that its segments are counted contact by
-- contact.
select count(*) > 0 as vary
from staged_plans as p
inner join template_variants as v
    on p.account = v.account and p.template_key = v.template_key and p.channel = v.channel
where v.segments is null and v.channel = 'sms' and v.retired_at is null
