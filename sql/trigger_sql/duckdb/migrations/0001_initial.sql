-- The whole database, as the sum of all migrations leaves it; views for analysts are in views.sql.
-- Every table names its account and, but for accounts, keys and the catalog, its trigger. Times are UTC. Ids made by
-- this library are UUIDv7, so rows of one trigger lie together and a filter by trigger_id skips the rest.

create table schema_version (
    version integer not null,
    applied_at timestamp not null
);

-- The tenants. One currency each, known from the first trigger on.
create table accounts (
    account varchar primary key,
    currency varchar
);

create table api_keys (
    key_id uuid primary key,
    account varchar not null,
    prefix varchar not null,
    digest varchar not null,
    scopes varchar not null,
    created_at timestamp not null,
    expires_at timestamp,
    revoked_at timestamp
);

-- One request to reach people. A workflow's columns are null for a direct send. No index keeps triggers and executions
-- apart: the one writer looks before he adds one, and an index would take more room than the row that it finds.
create table triggers (
    account varchar not null,
    trigger_id uuid not null,
    flow_type varchar not null,
    trigger_type varchar not null,
    trigger_source varchar not null,
    campaign_name varchar not null,
    currency varchar not null,
    created_at timestamp not null,
    scheduled_at timestamp,
    workflow_id varchar,
    workflow_name varchar,
    workflow_execution_id varchar,
    workflow_type varchar,
    template_group_id varchar,
    cancelled_at timestamp
);

-- What a workflow goes through, in order: steps with their ids, or a template group's channels with none.
create table steps (
    account varchar not null,
    trigger_id uuid not null,
    step_order integer not null,
    step_id varchar,
    step_name varchar,
    channel varchar not null,
    delay_minutes integer
);

-- One channel's share of a trigger.
create table executions (
    account varchar not null,
    trigger_id uuid not null,
    execution_id uuid not null,
    channel varchar not null,
    step_id varchar,
    expected_jobs integer,
    started_at timestamp
);

-- One contact in one execution: the first time of each outcome, and what the shown outcome's fact says. Shown is the
-- first that is there of sent, failed, filtered, cancelled. code and message are the filter's code and reason, or the
-- error's code and message. The last four columns are of jobs that this library planned: the template variant to send,
-- how many segments and what price to expect, and the contact's attributes where the variant has variables.
create table jobs (
    account varchar not null,
    trigger_id uuid not null,
    execution_id uuid not null,
    job_id integer not null,
    contact varchar not null,
    address varchar,
    sent_at timestamp,
    failed_at timestamp,
    filtered_at timestamp,
    cancelled_at timestamp,
    last_outcome_at timestamp,
    code varchar,
    message varchar,
    provider varchar,
    provider_message_id varchar,
    segments integer,
    cost decimal(18, 6),
    variant_id uuid,
    planned_segments integer,
    planned_cost decimal(18, 6),
    variables varchar
);

create table attempts (
    account varchar not null,
    trigger_id uuid not null,
    execution_id uuid not null,
    job_id integer not null,
    n integer not null,
    occurred_at timestamp not null,
    provider varchar,
    error_code varchar,
    error_message varchar,
    next_attempt_at timestamp
);

-- The first time of each delivery event of a job. A message got there when the earliest of them says so that is one of
-- delivered, opened, clicked, read, replied and complained.
create table events (
    account varchar not null,
    trigger_id uuid not null,
    execution_id uuid not null,
    job_id integer not null,
    type varchar not null,
    occurred_at timestamp not null
);

-- Events of jobs or messages that are not known yet.
create table parked_events (
    account varchar,
    event_id varchar not null,
    execution_id uuid,
    job_id integer,
    provider varchar,
    provider_message_id varchar,
    type varchar not null,
    occurred_at timestamp not null
);

-- Which job a provider's message id leads to; a look-up by it finds its trigger here first. message_key is made from
-- account, provider and message id: one column finds a message and keeps two of one id apart. The id itself is with the
-- job, or in other_messages. No index is over the key: one would take more than the rest of the row, and memory for all
-- of them, and to scan the keys is quick.
create table message_ids (
    account varchar not null,
    message_key uuid not null,
    trigger_id uuid not null,
    execution_id uuid not null,
    job_id integer not null
);

-- Message ids that lead to jobs that show another one, or none: few, as a message is mostly sent once.
create table other_messages (
    account varchar not null,
    trigger_id uuid not null,
    execution_id uuid not null,
    job_id integer not null,
    provider varchar not null,
    provider_message_id varchar not null
);

-- What message_ids are found by. The lengths keep apart what would read the same put together.
create macro message_key(account, provider, provider_message_id) as
md5(length(account) || ' ' || length(provider) || ' ' || account || provider || provider_message_id)::uuid;

-- The distinct contacts of a workflow's trigger; a direct send has each contact once, as a job.
create table trigger_contacts (
    account varchar not null,
    trigger_id uuid not null,
    contact varchar not null
);

-- The first contacts of each filter reason of an execution: at least the hundred with the lowest job_id.
create table samples (
    account varchar not null,
    trigger_id uuid not null,
    execution_id uuid not null,
    reason varchar not null,
    job_id integer not null,
    contact varchar not null
);

-- The ledger that every count is summed from. Each write that changes an answer appends what it changed: n, segments
-- and cost are differences, first_at and last_at the times that came with them, writes how many entries were folded.
-- first_contacts are the first ten jobs that came to a filter reason, each its job_id, a space, and its address, or who
-- it is where there is none; null where a job left the reason: who is first then follows from the samples alone.
--   measure        detail             execution_id   counts
--   trigger        trigger_type       null           1; first_at is created_at
--   cancel         null               null           0; first_at is when
--   contacts       null               null           distinct contacts of a workflow
--   execution      step_id, channel   set            1
--   expected       null               set            jobs expected
--   started        null               set            0; first_at is when
--   jobs           null               set            jobs recorded
--   attempted      null               set            attempts
--   sent … cancelled  a filter's reason  set         jobs shown with that outcome; segments and cost of those sent
--   outcome        null               set            0; first_at of any sent or failed, last_at of any outcome
--   reached, delivered, delivery_failed, bounced …   set   jobs with that event; reached are those with one that
--                                                  implies delivery
--   claimed        null               set            of a cancelled trigger, jobs that a sender still had in hand
create table tally (
    account varchar not null,
    trigger_id uuid not null,
    execution_id uuid,
    measure varchar not null,
    detail varchar,
    n bigint not null,
    segments bigint not null,
    cost decimal(38, 6) not null,
    first_at timestamp,
    last_at timestamp,
    writes bigint not null,
    first_contacts varchar[]
);

-- The people of an account and where to reach them. contact_id is made from account and external_id: one column finds
-- a contact and keeps two of one id apart, where an index of two columns would do the second only. Whether an address
-- is one was decided when it was stored. An opt-out is null until somebody said something about that channel;
-- opt_outs_said_at is when the catalog last said them all: an event opts out only if it happened later.
create table contacts (
    account varchar not null,
    contact_id uuid primary key,
    external_id varchar not null,
    email varchar,
    is_email_valid boolean not null,
    phone_number varchar,
    is_phone_number_valid boolean not null,
    country varchar,
    email_opted_out boolean,
    sms_opted_out boolean,
    whatsapp_opted_out boolean,
    attributes varchar,
    opt_outs_said_at timestamp
);

-- What is sent, by template, channel and country; country null is for everywhere else. A row never changes but for
-- retired_at: a template that is replaced gets new rows, and what was planned with an old one keeps it. variables are
-- separated by commas; segments is null where the text has variables, and on channels that have none. price is per
-- message or, where price_per says so, per segment, in the account's currency.
create table template_variants (
    account varchar not null,
    variant_id uuid primary key,
    template_key varchar not null,
    channel varchar not null,
    country varchar,
    is_approved boolean not null,
    subject varchar,
    text varchar not null,
    variables varchar not null,
    segments integer,
    price decimal(18, 6) not null,
    price_per varchar not null,
    created_at timestamp not null,
    retired_at timestamp
);

-- Templates that are sent side by side: one for each channel that isn't null.
create table template_groups (
    account varchar not null,
    template_group_key varchar not null,
    template_group_id uuid not null,
    email_template_key varchar,
    sms_template_key varchar,
    whatsapp_template_key varchar,
    primary key (account, template_group_key)
);

-- The workflows that can be run: those with a template group's key, or with the steps of workflow_steps.
create table workflows (
    account varchar not null,
    name varchar not null,
    workflow_id uuid not null,
    template_group_key varchar,
    primary key (account, name)
);

-- What a workflow will go through when it is run; what a run goes through is in steps.
create table workflow_steps (
    account varchar not null,
    workflow_id uuid not null,
    step_order integer not null,
    step_id varchar not null,
    step_name varchar not null,
    channel varchar not null,
    template_key varchar not null,
    delay_minutes integer not null
);

-- Named audiences. A list that is replaced gets a new list_id.
create table lists (
    account varchar not null,
    name varchar not null,
    list_id uuid not null,
    members integer not null,
    primary key (account, name)
);

-- Who is on a list, by external_id and by what is made of it; there need not be such a contact.
create table list_members (
    account varchar not null,
    list_id uuid not null,
    external_id varchar not null,
    contact_id uuid not null
);

-- What the library is to send, as far as it isn't done. A job in none of these tables is never sent: what a host or a
-- journal recorded is only tracked.

-- Steps and channels of a workflow's run whose jobs aren't planned yet, and when they will be.
create table scheduled_steps (
    account varchar not null,
    trigger_id uuid not null,
    step_order integer not null,
    step_id varchar,
    channel varchar not null,
    template_key varchar not null,
    due_at timestamp not null
);

-- Whom a workflow's run is for, in order, as long as it has scheduled steps; contact is an external_id.
create table audiences (
    account varchar not null,
    trigger_id uuid not null,
    place integer not null,
    contact varchar not null,
    contact_id uuid not null
);

-- Values that a request gave for its templates' variables, as a JSON object.
create table trigger_variables (
    account varchar not null,
    trigger_id uuid not null,
    variables varchar not null
);

-- Executions with jobs that nobody has claimed yet: those with a job_id above claimed_through.
create table dispatches (
    account varchar not null,
    trigger_id uuid not null,
    execution_id uuid not null,
    channel varchar not null,
    due_at timestamp not null,
    claimed_through integer not null,
    last_job_id integer not null
);

-- Jobs that a sender rejected for a passing reason: n is the attempt that is due, and there is none after dead_at.
create table retries (
    account varchar not null,
    trigger_id uuid not null,
    execution_id uuid not null,
    channel varchar not null,
    job_id integer not null,
    n integer not null,
    due_at timestamp not null,
    dead_at timestamp not null
);

-- What workers have in hand: the jobs of an execution from first_job_id to last_job_id that have no outcome, for their
-- nth attempt. A claim is there before its messages are handed to a sender, and goes with their outcomes. Another
-- worker may take it over once expires_at has passed. failures is how often the sender failed, held how many jobs there
-- were when the trigger was cancelled.
create table claims (
    account varchar not null,
    trigger_id uuid not null,
    execution_id uuid not null,
    channel varchar not null,
    first_job_id integer not null,
    last_job_id integer not null,
    n integer not null,
    dead_at timestamp not null,
    claim_id uuid not null,
    worker_id uuid not null,
    expires_at timestamp not null,
    failures integer not null,
    held integer
);

-- How many messages may go out on a channel that workers hold to a rate, as it was at filled_at; it fills up as time
-- goes by.
create table rates (
    channel varchar primary key,
    tokens double not null,
    filled_at timestamp not null
);

-- Requests that came with an idempotency key: what was asked, as a digest, and what was answered.
create table idempotency_keys (
    account varchar not null,
    idempotency_key varchar not null,
    request varchar not null,
    trigger_id uuid not null,
    job_id integer,
    created_at timestamp not null,
    primary key (account, idempotency_key)
);
