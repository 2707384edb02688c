-- Keeps whom the staged runs are for, in the order of the request or of the list, for the steps still to come.
insert into audiences
select
    s.account,
    s.trigger_id,
    a.place,
    a.contact
from staged_audiences as s
inner join staged_audience as a on s.trigger_id = a.trigger_id
union all
select
    s.account,
    s.trigger_id,
    row_number() over (partition by s.trigger_id order by m.external_id) as place,
    m.external_id as contact
from staged_audiences as s
inner join list_members as m on s.account = m.account and s.list_id = m.list_id
