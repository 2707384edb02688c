-- The lines of the staged outcomes whose job is not recorded.
select line
from changed_outcomes
where not is_known
