-- Which contacts kept for a workflow's trigger are not those of its jobs, or the reverse, in all accounts: none, unless
-- something is wrong.
with derived as (
    select distinct
        j.account,
        j.trigger_id,
        j.contact
    from jobs as j
    inner join triggers as t on j.account = t.account and j.trigger_id = t.trigger_id
    where t.flow_type = 'workflow'
)

select
    coalesce(d.account, c.account) as account,
    coalesce(d.trigger_id, c.trigger_id) as trigger_id,
    null as execution_id,
    'contact of the workflow' as subject,
    c.contact as recorded,
    d.contact as derived
from derived as d
full outer join trigger_contacts as c
    on d.account = c.account and d.trigger_id = c.trigger_id and d.contact = c.contact
where c.contact is null or d.contact is null
order by account, trigger_id, recorded, derived
