-- Gives an account the currency of its first trigger.
-- $account: the tenant
-- $currency: the code
update accounts
set currency = $currency
where account = $account
