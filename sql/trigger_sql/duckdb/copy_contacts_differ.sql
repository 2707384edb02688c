-- The staged contacts that are recorded with something else than an opt-out that differs.
select
    s.account,
    s.external_id
from staged_contacts as s
inner join contacts as c on s.contact_id = c.contact_id
where
    s.email is distinct from c.email
    or s.is_email_valid <> c.is_email_valid
    or s.phone_number is distinct from c.phone_number
    or s.is_phone_number_valid <> c.is_phone_number_valid
    or s.country is distinct from c.country
    or s.attributes is distinct from c.attributes
order by s.account, s.external_id
