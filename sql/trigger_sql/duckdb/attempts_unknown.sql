-- The lines of the staged attempts whose job is not recorded.
select line
from changed_attempts
where not is_known
