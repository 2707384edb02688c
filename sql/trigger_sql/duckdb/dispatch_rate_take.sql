-- Takes what goes out on a channel off what may.
-- $channel: email, sms or whatsapp
-- $messages: how many go out
update rates
set tokens = tokens - $messages::integer
where channel = $channel
