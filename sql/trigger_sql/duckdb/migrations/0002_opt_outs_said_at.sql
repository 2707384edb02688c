-- When the catalog last said whether a contact has opted out.

alter table contacts add column opt_outs_said_at timestamp;
