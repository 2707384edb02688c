-- A page of an account's contacts, by contact_id, as they are stored.
-- $account: the tenant
-- $behind: only those behind this contact_id
-- $limit: at most so many
select
    account,
    contact_id,
    external_id,
    email,
    is_email_valid,
    phone_number,
    is_phone_number_valid,
    country,
    email_opted_out,
    sms_opted_out,
    whatsapp_opted_out,
    attributes,
    opt_outs_said_at
from contacts
where account = $account and contact_id > $behind::uuid
order by contact_id
limit $limit::integer
