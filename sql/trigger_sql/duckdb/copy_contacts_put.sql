-- Stores the staged contacts that aren't there. One that is there stays, but for its opt-outs: whoever opted out on
-- either side gets nothing.
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
on conflict (contact_id) do update set
    email_opted_out = coalesce(
        excluded.email_opted_out or contacts.email_opted_out, excluded.email_opted_out, contacts.email_opted_out
    ),
    sms_opted_out = coalesce(
        excluded.sms_opted_out or contacts.sms_opted_out, excluded.sms_opted_out, contacts.sms_opted_out
    ),
    whatsapp_opted_out = coalesce(
        excluded.whatsapp_opted_out or contacts.whatsapp_opted_out,
        excluded.whatsapp_opted_out,
        contacts.whatsapp_opted_out
    ),
    opt_outs_said_at = greatest(excluded.opt_outs_said_at, contacts.opt_outs_said_at)
