-- Which job a provider's message id leads to.
-- $account: the tenant
-- $provider: who sent the message
-- $provider_message_id: the provider's name for it
select
    trigger_id,
    execution_id,
    job_id
from message_ids
where account = $account and message_key = message_key($account, $provider, $provider_message_id)
