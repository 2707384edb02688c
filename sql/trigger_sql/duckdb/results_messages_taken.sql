-- Takes message ids off the staged results where they lead to other jobs: a sender gave them twice.
-- $provider: who made the ids
update staged_results
set provider_message_id = null
from message_ids as m, staged_places as p
where
    staged_results.execution_id = p.execution_id
    and m.account = p.account
    and m.message_key = message_key(p.account, $provider, staged_results.provider_message_id)
    and (m.execution_id <> staged_results.execution_id or m.job_id <> staged_results.job_id)
