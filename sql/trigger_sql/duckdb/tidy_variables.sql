-- Forgets the values that requests gave for variables where nothing is to be sent any more.
delete from trigger_variables
where
    trigger_id not in (
        select s.trigger_id
        from scheduled_steps as s
        union all
        select d.trigger_id
        from dispatches as d
        union all
        select r.trigger_id
        from retries as r
        union all
        select c.trigger_id
        from claims as c
    )
