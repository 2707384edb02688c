-- Where a writer's connection lays out one batch before it is applied. Rows are at most one per job (outcomes), per
-- job and n (attempts), per message id, per execution and per trigger; `line` is the fact's place in the call, and
-- last_at the latest time of any of the job's outcomes.

-- Executions that a batch's outcomes or results are of, by a number: to repeat whose they are for each would take long.
create temp table staged_places (
    account varchar,
    trigger_id uuid,
    execution_id uuid,
    place integer
);

create temp table staged_executions (
    line integer,
    account varchar,
    trigger_id uuid,
    execution_id uuid,
    expected_jobs integer,
    started_at timestamp
);

create temp table staged_cancels (
    account varchar,
    trigger_id uuid,
    cancelled_at timestamp
);

create temp table staged_jobs (
    line integer,
    account varchar,
    trigger_id uuid,
    execution_id uuid,
    job_id integer,
    contact varchar,
    address varchar,
    in_workflow boolean
);

create temp table staged_attempts (
    line integer,
    account varchar,
    trigger_id uuid,
    execution_id uuid,
    job_id integer,
    n integer,
    occurred_at timestamp,
    provider varchar,
    error_code varchar,
    error_message varchar,
    next_attempt_at timestamp
);

create temp table changed_attempts (
    line integer,
    account varchar,
    trigger_id uuid,
    execution_id uuid,
    job_id integer,
    n integer,
    occurred_at timestamp,
    provider varchar,
    error_code varchar,
    error_message varchar,
    next_attempt_at timestamp,
    is_known boolean,
    is_new boolean,
    is_tied boolean
);

create temp table staged_outcomes (
    line integer,
    place integer,
    job_id integer,
    outcome varchar,
    occurred_at timestamp,
    last_at timestamp,
    code varchar,
    message varchar,
    provider varchar,
    provider_message_id varchar,
    segments integer,
    cost_in_millionths bigint
);

-- Those of them that were not recorded when their jobs were locked; DuckDB, which has no locks, does without it.
create temp table unrecorded_outcomes (
    line integer,
    place integer,
    job_id integer,
    outcome varchar,
    occurred_at timestamp,
    last_at timestamp,
    code varchar,
    message varchar,
    provider varchar,
    provider_message_id varchar,
    segments integer,
    cost_in_millionths bigint
);

-- Outcomes beside what their jobs have.
create temp table matched_outcomes (
    line integer,
    account varchar,
    trigger_id uuid,
    execution_id uuid,
    job_id integer,
    outcome varchar,
    occurred_at timestamp,
    last_outcome_at timestamp,
    code varchar,
    message varchar,
    provider varchar,
    provider_message_id varchar,
    segments integer,
    cost decimal(18, 6),
    is_known boolean,
    contact varchar,
    old_sent_at timestamp,
    old_failed_at timestamp,
    old_filtered_at timestamp,
    old_cancelled_at timestamp,
    old_last_outcome_at timestamp,
    old_message varchar,
    old_segments integer,
    old_cost decimal(18, 6),
    old_provider varchar,
    old_provider_message_id varchar
);

-- What of the staged outcomes was recorded when their jobs were locked, in numbers; by DuckDB none is.
create temp table recorded_outcomes (
    account varchar,
    trigger_id uuid,
    execution_id uuid,
    outcome varchar,
    n bigint,
    segments bigint,
    cost decimal(38, 6),
    first_at timestamp,
    last_at timestamp
);

create temp table changed_outcomes (
    line integer,
    account varchar,
    trigger_id uuid,
    execution_id uuid,
    job_id integer,
    outcome varchar,
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
    old_outcome varchar,
    old_reason varchar,
    old_segments integer,
    old_cost decimal(18, 6),
    old_provider varchar,
    old_provider_message_id varchar,
    contact varchar,
    is_known boolean,
    is_news boolean,
    is_shown boolean,
    is_tied boolean
);

-- Message ids that are laid out by themselves: those of results, and those of outcomes where a job has several.
create temp table named_messages (
    line integer,
    account varchar,
    provider varchar,
    provider_message_id varchar,
    trigger_id uuid,
    execution_id uuid,
    job_id integer
);

-- All message ids of the batch.
create temp view staged_messages as
select
    line,
    account,
    provider,
    provider_message_id,
    trigger_id,
    execution_id,
    job_id
from named_messages
union all
select
    s.line,
    p.account,
    s.provider,
    s.provider_message_id,
    p.trigger_id,
    p.execution_id,
    s.job_id
from staged_outcomes as s
inner join staged_places as p on s.place = p.place
where s.provider_message_id is not null;

create temp table staged_events (
    account varchar,
    event_id varchar,
    trigger_id uuid,
    execution_id uuid,
    job_id integer,
    provider varchar,
    provider_message_id varchar,
    type varchar,
    occurred_at timestamp
);

create temp table changed_events (
    account varchar,
    trigger_id uuid,
    execution_id uuid,
    job_id integer,
    type varchar,
    occurred_at timestamp,
    n integer,
    is_known boolean,
    is_new boolean
);

-- Where a workspace lays out what a journal's facts name, before any of them is recorded; `line` is the journal's.

create temp table staged_journal_executions (
    account varchar,
    trigger_id uuid,
    execution_id uuid
);

create temp table staged_journal_jobs (
    line integer,
    execution_id uuid,
    job_id integer,
    contact varchar,
    address varchar
);

create temp table staged_journal_targets (
    line integer,
    execution_id uuid,
    job_id integer
);

create temp table staged_journal_messages (
    line integer,
    execution_id uuid,
    job_id integer,
    provider varchar,
    provider_message_id varchar
);

-- Where a writer's connection lays out contacts and list members on their way into the catalog.

create temp table staged_contacts (
    account varchar,
    contact_id uuid,
    external_id varchar,
    email varchar,
    is_email_valid boolean,
    phone_number varchar,
    is_phone_number_valid boolean,
    country varchar,
    email_opted_out boolean,
    sms_opted_out boolean,
    whatsapp_opted_out boolean,
    attributes varchar,
    opt_outs_said_at timestamp
);

create temp table staged_list_members (
    account varchar,
    list_id uuid,
    external_id varchar,
    contact_id uuid
);

-- Where a writer's connection lays out what is to be planned: a row for each new execution, and whom its trigger is
-- for, in order.

create temp table staged_plans (
    account varchar,
    trigger_id uuid,
    execution_id uuid,
    channel varchar,
    template_key varchar,
    in_workflow boolean,
    variables varchar,
    planned_at timestamp
);

create temp table staged_audience (
    account varchar,
    trigger_id uuid,
    place integer,
    contact varchar,
    contact_id uuid
);

-- Where a worker lays out what became of its messages: a row for each attempt, with a code where it was rejected and
-- next_attempt_at where it will be tried again.

create temp table staged_results (
    execution_id uuid,
    job_id integer,
    n integer,
    provider_message_id varchar,
    segments integer,
    cost decimal(18, 6),
    code varchar,
    message varchar,
    next_attempt_at timestamp
);

-- Where what was planned of jobs is laid out that come from another store.

create temp table staged_planned (
    account varchar,
    trigger_id uuid,
    execution_id uuid,
    job_id integer,
    variant_id uuid,
    planned_segments integer,
    planned_cost decimal(18, 6),
    variables varchar
);
