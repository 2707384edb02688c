-- What the staged outcomes need done: how many name a job that is not there, how many are decided by their text, how
-- many jobs become filtered, and how many leave the reason they were filtered for.
select
    count(*) filter (where not is_known) as unknown,
    count(*) filter (where is_tied) as tied,
    count(*) filter (where outcome = 'filtered') as arriving,
    count(*) filter (where old_reason is not null and (is_shown or is_tied)) as leaving
from changed_outcomes
