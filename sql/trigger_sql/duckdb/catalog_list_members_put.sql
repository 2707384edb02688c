-- Stores the staged members of a list, each once, in the order in which they are read.
insert into list_members
select distinct
    account,
    list_id,
    external_id,
    contact_id
from staged_list_members
order by list_id, external_id
