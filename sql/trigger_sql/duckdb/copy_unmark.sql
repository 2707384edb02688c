-- Takes a mark off a store.
-- $mark: the name
delete from rates
where channel = $mark
