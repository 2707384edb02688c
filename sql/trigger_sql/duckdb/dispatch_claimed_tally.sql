-- Takes the jobs of a claim off those that cancelled triggers still wait for.
-- $claim_id: the claim
insert into tally
select
    account,
    trigger_id,
    execution_id,
    'claimed' as measure,
    null as detail,
    -sum(held) as n,
    0 as segments,
    0 as cost,
    null as first_at,
    null as last_at,
    1 as writes,
    null as first_contacts
from claims
where claim_id = $claim_id::uuid and held is not null
group by account, trigger_id, execution_id
