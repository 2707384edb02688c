-- Takes template variants of an account out of use.
-- $account: the tenant
-- $variant_ids: the variants
-- $now: when
update template_variants
set retired_at = coalesce(retired_at, $now::timestamp)
where account = $account and variant_id in (select unnest($variant_ids::uuid[]))
