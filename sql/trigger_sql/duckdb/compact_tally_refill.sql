-- Puts the folded ledger back, sorted so that a trigger's rows lie together.
insert into tally
select
    account,
    trigger_id,
    execution_id,
    measure,
    detail,
    n,
    segments,
    cost,
    first_at,
    last_at,
    writes
from folded_tally
order by trigger_id, execution_id, measure, detail
