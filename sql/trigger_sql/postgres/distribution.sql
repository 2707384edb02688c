-- Written for PostgreSQL: spreads the tables over the machines of a cluster that has the Citus extension. It is run
-- once, whole, in one transaction on the coordinator: `trigger-core init --distributed` does so. What is recorded
-- already goes along. There are four kinds of tables: whole on every machine, spread by trigger, spread by what is
-- looked up, and on the coordinator alone. Every primary and unique key of a spread table contains what it is spread
-- by, for a machine can only keep apart rows of its own.

-- One machine after the other: a transaction that has written to several at once may not do so with a table they share.
select set_config('citus.multi_shard_modify_mode', 'sequential', true);

-- Whole on every machine: who there is, who may, and the catalog. Small beside what is sent, seldom written, and joined
-- with the jobs of any trigger wherever those lie.
select create_reference_table('accounts');
select create_reference_table('api_keys');
select create_reference_table('contacts');
select create_reference_table('lists');
select create_reference_table('list_members');
select create_reference_table('template_groups');
select create_reference_table('template_variants');
select create_reference_table('workflows');
select create_reference_table('workflow_steps');

-- Spread by trigger: all that is recorded of one lies together on one machine, so that recording and answering ask no
-- other.
select create_distributed_table('triggers', 'trigger_id', colocate_with => 'none');
select create_distributed_table('steps', 'trigger_id', colocate_with => 'triggers');
select create_distributed_table('executions', 'trigger_id', colocate_with => 'triggers');
select create_distributed_table('jobs', 'trigger_id', colocate_with => 'triggers');
select create_distributed_table('attempts', 'trigger_id', colocate_with => 'triggers');
select create_distributed_table('events', 'trigger_id', colocate_with => 'triggers');
select create_distributed_table('other_messages', 'trigger_id', colocate_with => 'triggers');
select create_distributed_table('trigger_contacts', 'trigger_id', colocate_with => 'triggers');
select create_distributed_table('samples', 'trigger_id', colocate_with => 'triggers');
select create_distributed_table('tally', 'trigger_id', colocate_with => 'triggers');
select create_distributed_table('audiences', 'trigger_id', colocate_with => 'triggers');

-- Spread by what is looked up: who comes without a trigger finds it by one row of an index on one machine. There are
-- as many message ids as messages, too many for every machine to have them all.
select create_distributed_table('execution_ids', 'execution_id', colocate_with => 'none');
select create_distributed_table('message_ids', 'message_key', colocate_with => 'none');
select create_distributed_table('idempotency_keys', 'idempotency_key', colocate_with => 'none');
select create_distributed_function('message_key(text, text, text)');

-- On the coordinator alone, as plain tables, and so not named here: scheduled_steps, trigger_variables, dispatches,
-- retries, claims, rates and parked_events. They hold what is not done yet, mostly a row for many jobs. Workers ask for
-- what is due of any trigger, and pass over rows that others have locked, which a cluster refuses to do over several
-- machines.
