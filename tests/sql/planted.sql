-- What the audit has to find: under each subject that it reports, a statement that plants it in the example's store.

-- ledger trigger n
delete from tally where measure = 'trigger' and trigger_id = (select trigger_id from executions
where execution_id = '019ab000-0001-7000-8000-000000000101');

-- ledger trigger first_at
update tally set first_at = first_at + interval '1 ms' where measure = 'trigger';

-- ledger cancel first_at
delete from tally where measure = 'cancel';

-- ledger contacts n
update tally set n = n - 1 where measure = 'contacts';

-- ledger execution n
delete from tally where measure = 'execution' and execution_id =
'019ab000-0001-7000-8000-000000000101';

-- ledger expected n
delete from tally where measure = 'expected' and execution_id =
'019ab000-0009-7000-8000-000000000901';

-- ledger started first_at
update tally set first_at = null where measure = 'started';

-- ledger jobs n
insert into tally select * from tally where measure = 'jobs' and execution_id =
'019ab000-0002-7000-8000-000000000201';

-- ledger attempted n
update tally set n = 0 where measure = 'attempted';

-- ledger attempted first_at
update tally set first_at = first_at - interval '1 ms' where measure = 'attempted';

-- ledger sent n
update tally set n = n + 1 where measure = 'sent';

-- ledger sent segments
update tally set segments = segments + 1 where measure = 'sent';

-- ledger sent cost
update tally set cost = cost - 0.000001 where measure = 'sent';

-- ledger failed n
delete from tally where measure = 'failed';

-- ledger filtered first_at
update tally set first_at = first_at + interval '1 ms' where measure = 'filtered';

-- ledger outcome first_at
update tally set first_at = null where measure = 'outcome';

-- ledger outcome last_at
update tally set last_at = last_at + interval '1 day' where measure = 'outcome';

-- ledger reached n
update tally set n = 5 where measure = 'reached';

-- ledger delivery_failed n
update tally set measure = 'failed' where measure = 'delivery_failed';

-- ledger opened n
update events set type = 'clicked' where type = 'opened';

-- sample of job 4 for reason Contact opted out of email
delete from samples where job_id = 4;

-- sample of job 1 for reason made up
insert into samples select account, trigger_id, execution_id, 'made up', 1, 'user_1@example.org'
from executions where execution_id = '019ab000-0002-7000-8000-000000000201';

-- sample of job 5 for reason Contact has no email address
update samples set contact = 'someone else' where job_id = 5;

-- sample of job 1 for reason No approved SMS template for country: IN
insert into samples select * from samples where execution_id =
'019ab000-0001-7000-8000-000000000101';

-- contact 1 in the ledger for reason Contact has no email address
update tally set first_contacts = ['5 someone else'] where detail = 'Contact has no email address';

-- contact 1 in the ledger for reason Contact opted out of email
update tally set first_contacts = [] where detail = 'Contact opted out of email';

-- contact 2 in the ledger for reason Contact opted out of email
update tally set first_contacts = list_append(first_contacts, '5 user_5@example.org') where detail =
'Contact opted out of email';

-- contact of the workflow
delete from trigger_contacts where contact = 'user_2';

-- contact user_2
insert into trigger_contacts select * from trigger_contacts where contact = 'user_2';

-- job 1 latest outcome
update jobs set last_outcome_at = null where execution_id = '019ab000-0007-7000-8000-000000000701';

-- job 2 latest outcome
update jobs set last_outcome_at = timestamp '2025-11-23' where execution_id =
'019ab000-0002-7000-8000-000000000201';

-- job 3 code
update jobs set code = null where execution_id = '019ab000-0002-7000-8000-000000000201';

-- job 1 reason or error
update jobs set message = 'why' where execution_id = '019ab000-0002-7000-8000-000000000201';

-- job of message m-201 of ses
delete from message_ids where message_key = message_key('acme', 'ses', 'm-201');

-- job of message m-202 of ses
update message_ids set job_id = 1 where message_key = message_key('acme', 'ses', 'm-202');

-- key 00000000-0000-4000-8000-000000000202
update message_ids set message_key = '00000000-0000-4000-8000-000000000202'
where message_key = message_key('acme', 'ses', 'm-202');

-- job of message m-9 of ses
insert into other_messages select account, trigger_id, execution_id, job_id, 'ses', 'm-9' from jobs
where provider_message_id = 'm-201';

-- message m-201 of ses
insert into other_messages select account, trigger_id, execution_id, job_id, provider, provider_message_id from jobs
where provider_message_id = 'm-201';

-- event ev-x of job 1
insert into parked_events values ('acme', 'ev-x', '019ab000-0001-7000-8000-000000000101', 1, null,
null, 'opened', timestamp '2025-11-23');

-- event ev-y of job 2
insert into parked_events values ('acme', 'ev-y', null, null, 'ses', 'm-202', 'opened', timestamp
'2025-11-23');

-- parked event ev-z
insert into parked_events select 'acme', 'ev-z', '019ab000-0000-7000-8000-000000000000', 1, null,
null, 'opened', timestamp '2025-11-23' from range(2);

-- trigger
update accounts set currency = 'CHF' where account = 'globex';

-- workflow
delete from steps;

-- step 3
update steps set trigger_id = '019ab000-0000-7000-8000-000000000000' where step_id = 'step-3';

-- step_order 1
update steps set step_order = 1 where step_id = 'step-2';

-- step step-1
update steps set step_id = 'step-1' where step_id = 'step-2';

-- ledger
update tally set account = 'acme' where account = 'globex';

-- contact user_9
update trigger_contacts set trigger_id = '019ab000-0000-7000-8000-000000000000' where contact =
'user_9';

-- execution 019ab000-0001-7000-8000-000000000101
update executions set trigger_id = '019ab000-0000-7000-8000-000000000000' where execution_id =
'019ab000-0001-7000-8000-000000000101';

-- execution
update executions set channel = 'whatsapp' where execution_id =
'019ab000-0004-7000-8000-000000000401';

-- execution for sms
insert into executions select account, trigger_id, '019ab000-0000-7000-8000-000000000000', channel,
step_id, null, null from executions where execution_id = '019ab000-0001-7000-8000-000000000101';

-- job 1
insert into jobs select * from jobs where job_id = 1 and execution_id =
'019ab000-0002-7000-8000-000000000201';

-- job 3
update jobs set account = 'globex' where job_id = 3 and execution_id =
'019ab000-0002-7000-8000-000000000201';

-- attempt 1 of job 9
update attempts set job_id = 9 where job_id = 1 and execution_id =
'019ab000-0002-7000-8000-000000000201';

-- attempt 1 of job 2
insert into attempts select * from attempts where job_id = 2 and execution_id =
'019ab000-0002-7000-8000-000000000201';

-- event opened of job 9
update events set job_id = 9 where type = 'opened';

-- event opened of job 1
insert into events select * from events where type = 'opened';

-- message key 76bd59e2-aaa8-4d9a-52f8-d0bafd187e40
insert into message_ids select * from message_ids where message_key = message_key('acme', 'ses', 'm-401');

-- message key 513e68a2-d6a1-f01b-614e-be631226684a of job 2
update message_ids set execution_id = '019ab000-0001-7000-8000-000000000101'
where message_key = message_key('acme', 'ses', 'm-402');

-- message m-8 of ses of job 8
insert into other_messages select account, trigger_id, execution_id, 8, 'ses', 'm-8' from jobs
where provider_message_id = 'm-201';

-- message m-203 of ses of job 2
insert into other_messages select * from other_messages;

-- trigger of this id
insert into triggers select * from triggers;

-- execution of this id
insert into executions select * from executions;
