-- Brings an account into being, if it isn't there.
-- $account: the tenant
insert into accounts
select
    $account as account,
    null as currency
where not exists (select 1 from accounts where account = $account)
