-- The journal's executions that an earlier line puts under another trigger: their lines.
select line
from staged_journal_executions
qualify row_number() over (partition by execution_id order by line) > 1
