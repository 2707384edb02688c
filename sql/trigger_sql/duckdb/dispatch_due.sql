-- Whether anything that can be claimed is due on a channel: one row if so.
-- $channel: email, sms or whatsapp
-- $now: what is due by then
select true as is_due
where
    exists (
        select 1
        from dispatches
        where channel = $channel and due_at <= $now::timestamp
    )
    or exists (
        select 1
        from retries
        where channel = $channel and due_at <= $now::timestamp
    )
