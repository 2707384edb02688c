-- Gives an account the currency of its first trigger, unless it has one.
-- $account: the tenant
-- $currency: the code
update accounts
set currency = $currency
where account = $account and currency is null
