-- A contact as it is stored; an opt-out is null where nobody said anything about that channel.
-- $account: the tenant
-- $contact_id: the key made of the account and the contact's external_id
select
    external_id,
    email,
    is_email_valid,
    phone_number,
    is_phone_number_valid,
    country,
    email_opted_out,
    sms_opted_out,
    whatsapp_opted_out,
    attributes
from contacts
where account = $account and contact_id = $contact_id::uuid
