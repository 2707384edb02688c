-- Takes away the members that a list had before it was replaced.
-- $account: the tenant
-- $list_id: what its id was
delete from list_members
where account = $account and list_id = $list_id::uuid
