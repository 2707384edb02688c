-- Forgets the audiences of some runs, as far as no step of theirs is still to come.
-- $trigger_ids: the runs
delete from audiences
where
    trigger_id in (select unnest($trigger_ids::uuid[]))
    and trigger_id not in (
        select s.trigger_id
        from scheduled_steps as s
        where s.trigger_id in (select unnest($trigger_ids::uuid[]))
    )
