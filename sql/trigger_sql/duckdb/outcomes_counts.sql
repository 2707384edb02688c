-- What the staged outcomes need done: how many name a job that is not there, how many are decided by their text, how
-- many jobs become filtered, how many leave the reason they were filtered for, how many are sent and had no outcome,
-- how many others change their job, how many may change which message a job shows, and how many are of cancelled
-- triggers that workers have jobs of in hand.
select
    count(*) filter (where not is_known) as unknown,
    count(*) filter (where is_tied) as tied,
    count(*) filter (where is_news and outcome = 'filtered') as arriving,
    count(*) filter (where old_reason is not null and (is_shown or is_tied)) as leaving,
    count(*) filter (where outcome = 'sent' and old_outcome is null) as sent,
    count(*) filter (where is_news and (outcome <> 'sent' or old_outcome is not null)) as others,
    count(*) filter (
        where old_outcome is not null and coalesce(provider_message_id, old_provider_message_id) is not null
    ) as messages,
    (
        select count(*)
        from changed_outcomes as o
        inner join claims as c on o.trigger_id = c.trigger_id
        where c.held is not null
    ) as held
from changed_outcomes
