// Runs the front end against a server: `node main.js ORIGIN KEY TRIGGER_ID...` prints what it finds, as JSON.
// Without an id, it sends an SMS and runs a workflow first, and cancels that.
import { cancel, describe, getTriggerDetails, runWorkflow, sendSms, whoWasFiltered } from './frontend.js';

declare const process: { argv: string[] };

const [origin, key, ...triggers] = process.argv.slice(2) as [string, string, ...string[]];
const fetchAbsolute = globalThis.fetch;
globalThis.fetch = (path, init) => fetchAbsolute(new URL(String(path), origin), init); // as a page of that origin does

const found: string[][] = [];
if (triggers.length === 0) {
  const contact = { recipient_type: 'contact', contact_external_id: 'user_123' } as const;
  const sms = { template_key: 'otp_us', ...contact };
  const sent = await sendSms(sms, key, 'sms-1');
  const again = await sendSms(sms, key, 'sms-1');
  const run = await runWorkflow({ workflow_name: 'Welcome Series', ...contact }, key, 'run-1');
  const cancelled = await cancel(run.trigger_id, key);
  found.push([`Job: ${sent.job_id}`, `Once: ${sent.trigger_id === again.trigger_id}`]);
  found.push([`Job: ${run.job_id}`, `Cancelled: ${cancelled.id === run.trigger_id && cancelled.flow_type}`]);
  found.push([...describe(await getTriggerDetails(sent.trigger_id, key)).slice(0, 1)]);
  found.push(describe(await getTriggerDetails(run.trigger_id, key)));
}
for (const id of triggers) {
  const trigger = await getTriggerDetails(id, key);
  found.push(describe(trigger));
  if (trigger.type === 'direct') {
    found.push(await whoWasFiltered(id, key));
  }
}
console.log(JSON.stringify(found));
