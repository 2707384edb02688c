-- Opts contacts out of the channels on which they unsubscribed or complained, where they are in the catalog.
update contacts
set
    email_opted_out = coalesce(l.email, contacts.email_opted_out),
    sms_opted_out = coalesce(l.sms, contacts.sms_opted_out),
    whatsapp_opted_out = coalesce(l.whatsapp, contacts.whatsapp_opted_out)
from (
    select
        j.account,
        j.contact,
        nullif(bool_or(e.channel = 'email'), false) as email,
        nullif(bool_or(e.channel = 'sms'), false) as sms,
        nullif(bool_or(e.channel = 'whatsapp'), false) as whatsapp
    from changed_events as c
    inner join jobs as j
        on c.trigger_id = j.trigger_id and c.execution_id = j.execution_id and c.job_id = j.job_id
    inner join executions as e on c.trigger_id = e.trigger_id and c.execution_id = e.execution_id
    where c.type in ('complained', 'unsubscribed')
    group by j.account, j.contact
) as l
where contacts.account = l.account and contacts.external_id = l.contact
