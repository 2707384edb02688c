-- How many marks of that name a store has.
-- $mark: the name
select count(*) as marks
from rates
where channel = $mark
