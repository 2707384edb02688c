-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- Keeps others from changing an account and its catalog.
-- $account: the tenant
select account
from accounts
where account = $account
for update
