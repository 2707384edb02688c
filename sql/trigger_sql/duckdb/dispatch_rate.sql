-- Fills up what may go out on a channel, and tells how much that is. No other worker does so until this one is done.
-- Their clocks differ: the latest counts, so that no time fills it up twice, unless it is ahead by more than a minute.
-- $channel: email, sms or whatsapp
-- $rate: how many a second
-- $most: how many at once
-- $now: the time
insert into rates
values ($channel, $most::double, $now::timestamp)
on conflict (channel) do update
    set
        tokens = least(
            $most::double,
            rates.tokens + greatest(0, extract(epoch from (excluded.filled_at - rates.filled_at))) * $rate::double
        ),
        filled_at = case
            when rates.filled_at > excluded.filled_at + interval '1 minute' then excluded.filled_at
            else greatest(rates.filled_at, excluded.filled_at)
        end
returning tokens
