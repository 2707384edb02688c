-- Stores the staged contacts, at most one of each id, over those that are there. An opt-out that isn't said leaves the
-- recorded one: a contact that is stored again must not lose it.
insert into contacts
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
from staged_contacts
order by contact_id
on conflict (contact_id) do update set
    email = excluded.email,
    is_email_valid = excluded.is_email_valid,
    phone_number = excluded.phone_number,
    is_phone_number_valid = excluded.is_phone_number_valid,
    country = excluded.country,
    email_opted_out = coalesce(excluded.email_opted_out, contacts.email_opted_out),
    sms_opted_out = coalesce(excluded.sms_opted_out, contacts.sms_opted_out),
    whatsapp_opted_out = coalesce(excluded.whatsapp_opted_out, contacts.whatsapp_opted_out),
    attributes = excluded.attributes,
    opt_outs_said_at = coalesce(excluded.opt_outs_said_at, contacts.opt_outs_said_at)
