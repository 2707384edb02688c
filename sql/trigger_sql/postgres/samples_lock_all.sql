-- Written for PostgreSQL: several write at once there, so what a transaction is about is locked before it is read.
-- Keeps others from changing the first contacts of any filter reason.
select pg_advisory_xact_lock(1953653091, 0) as locked
