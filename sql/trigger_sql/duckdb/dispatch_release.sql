-- Ends a claim.
-- $claim_id: the claim
delete from claims
where claim_id = $claim_id::uuid
