-- Opts contacts out of the channels on which they unsubscribed or complained, where they are in the catalog and it said
-- nothing of their opt-outs since.
update contacts
set
    email_opted_out = coalesce(contacts.opt_outs_said_at < l.email_at, l.email_at is not null)
    or contacts.email_opted_out,
    sms_opted_out = coalesce(contacts.opt_outs_said_at < l.sms_at, l.sms_at is not null) or contacts.sms_opted_out,
    whatsapp_opted_out = coalesce(contacts.opt_outs_said_at < l.whatsapp_at, l.whatsapp_at is not null)
    or contacts.whatsapp_opted_out
from (
    select
        j.account,
        j.contact,
        max(case when e.channel = 'email' then s.occurred_at end) as email_at,
        max(case when e.channel = 'sms' then s.occurred_at end) as sms_at,
        max(case when e.channel = 'whatsapp' then s.occurred_at end) as whatsapp_at
    from staged_events as s
    inner join jobs as j
        on s.trigger_id = j.trigger_id and s.execution_id = j.execution_id and s.job_id = j.job_id
    inner join executions as e on s.trigger_id = e.trigger_id and s.execution_id = e.execution_id
    where s.type in ('complained', 'unsubscribed')
    group by j.account, j.contact
) as l
where contacts.account = l.account and contacts.external_id = l.contact
