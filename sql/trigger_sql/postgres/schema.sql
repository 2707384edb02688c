-- Written for PostgreSQL: what follows the translated tables. DuckDB has one writer, who looks before he writes, and
-- reads rows that lie together; here several write at once, so keys keep them apart, and indexes find rows wherever
-- they lie. Each key of a table that a cluster spreads by trigger_id contains it. What is looked up without it has a
-- table of its own for that: message_ids, idempotency_keys, and execution_ids.

create table execution_ids (
    execution_id uuid primary key,
    trigger_id uuid not null,
    account text collate "C" not null,
    channel text collate "C" not null,
    step_id text collate "C",
    flow_type text collate "C" not null
);

-- The lengths are cast, since to append a number is not immutable there, and then it is called, not inlined: that
-- takes many times longer.
create function message_key(account text, provider text, provider_message_id text) returns uuid
immutable parallel safe
language sql
as $$
    select
        md5(
            length(account)::text || ' ' || length(provider)::text || ' ' || account || provider || provider_message_id
        )::uuid
$$;

alter table message_ids add primary key (message_key);

alter table triggers add primary key (trigger_id);
alter table executions add primary key (trigger_id, execution_id);
create unique index executions_place on executions (trigger_id, coalesce(step_id, channel));

alter table steps add primary key (trigger_id, step_order);
alter table jobs add primary key (trigger_id, execution_id, job_id);
alter table attempts add primary key (trigger_id, execution_id, job_id, n);
alter table events add primary key (trigger_id, execution_id, job_id, type);
alter table trigger_contacts add primary key (trigger_id, contact);
alter table samples add primary key (trigger_id, execution_id, reason, job_id);
alter table audiences add primary key (trigger_id, place);
alter table trigger_variables add primary key (trigger_id);
alter table dispatches add primary key (trigger_id, execution_id);
alter table retries add primary key (trigger_id, execution_id, job_id);
alter table claims add primary key (trigger_id, claim_id, execution_id, first_job_id);
alter table workflow_steps add primary key (workflow_id, step_order);
alter table list_members add primary key (list_id, external_id);

-- A job is written twice, when it is planned and when its outcome comes. Where there is room for both on a page, the
-- second leaves the key as it is, and what the first took is free again at once.
alter table jobs set (fillfactor = 40);

create index triggers_newest on triggers (account, created_at desc nulls last, trigger_id desc nulls last);
create index tally_trigger on tally (trigger_id);
create unique index other_messages_key
on other_messages (trigger_id, execution_id, job_id, message_key(account, provider, provider_message_id));
-- These ids may have a thousand characters, which is more than a tree takes.
create index parked_events_event on parked_events using hash (event_id);
create index parked_events_job on parked_events (execution_id, job_id);
create index parked_events_message on parked_events using hash (provider_message_id);
create unique index contacts_external_id on contacts (account, external_id);
create index template_variants_template on template_variants (account, template_key, channel);
create index api_keys_prefix on api_keys (prefix);
create index idempotency_keys_age on idempotency_keys (created_at);
create index scheduled_steps_trigger on scheduled_steps (trigger_id);
create index scheduled_steps_due on scheduled_steps (due_at);
create index dispatches_due on dispatches (channel, due_at, execution_id);
create index retries_due on retries (channel, due_at, execution_id, job_id);
create index claims_claim on claims (claim_id);
create index claims_expiry on claims (channel, expires_at);
