-- How many jobs' staged events are known already and still opt somebody out, who came back since the known one.
with returned as (
    select distinct
        s.execution_id,
        s.job_id,
        s.type
    from staged_events as s
    inner join jobs as j
        on s.trigger_id = j.trigger_id and s.execution_id = j.execution_id and s.job_id = j.job_id
    inner join executions as e on s.trigger_id = e.trigger_id and s.execution_id = e.execution_id
    inner join contacts as c on j.account = c.account and j.contact = c.external_id
    left join changed_events as n
        on
            s.trigger_id = n.trigger_id
            and s.execution_id = n.execution_id
            and s.job_id = n.job_id
            and s.type = n.type
    where
        s.type in ('complained', 'unsubscribed')
        and n.job_id is null
        and coalesce(c.opt_outs_said_at < s.occurred_at, true)
        and not coalesce(
            case e.channel
                when 'email' then c.email_opted_out
                when 'sms' then c.sms_opted_out
                else c.whatsapp_opted_out
            end,
            false
        )
)

select count(*) as returned
from returned
