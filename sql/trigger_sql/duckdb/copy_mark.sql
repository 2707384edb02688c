-- Marks a store for a moment, to tell whether it is the other one of a copy by another address.
-- $mark: a name that no channel has
-- $now: the time
insert into rates
values ($mark, 0, $now::timestamp)
