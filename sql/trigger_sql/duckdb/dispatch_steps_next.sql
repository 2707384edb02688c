-- When the next step or channel of a workflow is due to be planned; null where none is to come.
select min(due_at) as due_at
from scheduled_steps
