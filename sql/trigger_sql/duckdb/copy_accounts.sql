-- Every account with its currency, null while none is known, by name.
select
    account,
    currency
from accounts
order by account
