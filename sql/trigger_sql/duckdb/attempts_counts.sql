-- What the staged attempts need done: how many name a job that is not there, how many replace one, and how many are
-- decided by their text.
select
    count(*) filter (where not is_known) as unknown,
    count(*) filter (where not is_new) as replacing,
    count(*) filter (where is_tied) as tied
from changed_attempts
