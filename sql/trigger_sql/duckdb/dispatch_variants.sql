-- The texts of some template variants, also of those no longer in use.
-- $variant_ids: the variants
select
    variant_id::varchar as variant_id,
    subject,
    text
from template_variants
where variant_id in (select unnest($variant_ids::uuid[]))
