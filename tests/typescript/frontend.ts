// What a front end does with the interface: the two steps to a trigger's details, and the two tiers together.
import type { components, paths } from './api.js';

type Schemas = components['schemas'];
type Body<Path extends keyof paths> =
  paths[Path] extends { get: { responses: { 200: { content: { 'application/json': infer Answer } } } } } ? Answer : never;

type Posted<Path extends keyof paths> =
  paths[Path] extends {
    post: {
      requestBody: { content: { 'application/json': infer Request } };
      responses: { 202: { content: { 'application/json': infer Answer } } };
    };
  }
    ? { request: Request; answer: Answer }
    : never;
type Sms = Posted<'/api/v1/messages/sms/send'>;
type Run = Posted<'/api/v1/workflows/trigger'>;

// Declared by hand, as a front end would that knows no generated types.
export interface TriggerBasicInfo {
  id: string;
  flow_type: 'direct_channel' | 'workflow';
  trigger_type: string;
  status: string;
  summary: {
    total_contacts: number;
    sent: number;
    failed: number;
    filtered: number;
  };
  details_endpoint: string;
}

export type Details =
  | { basic: TriggerBasicInfo; details: Schemas['DirectDetails']; type: 'direct' }
  | { basic: TriggerBasicInfo; details: Schemas['WorkflowDetails']; type: 'workflow' };

async function post<Answer>(path: string, body: unknown, key: string, idempotencyKey: string): Promise<Answer> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'X-API-Key': key, 'Content-Type': 'application/json', 'Idempotency-Key': idempotencyKey },
    body: JSON.stringify(body),
  });
  if (response.status !== 202) {
    const problem: Schemas['Problem'] | Schemas['InvalidRequest'] = await response.json();
    throw new Error(problem.detail);
  }
  return response.json();
}

export async function sendSms(request: Sms['request'], key: string, idempotencyKey: string): Promise<Sms['answer']> {
  return post('/api/v1/messages/sms/send', request, key, idempotencyKey);
}

export async function runWorkflow(request: Run['request'], key: string, idempotencyKey: string): Promise<Run['answer']> {
  return post('/api/v1/workflows/trigger', request, key, idempotencyKey);
}

export async function cancel(triggerId: string, key: string): Promise<Schemas['Trigger']> {
  const headers = { 'X-API-Key': key };
  return fetch(`/api/v1/triggers/${triggerId}/cancel`, { method: 'POST', headers }).then((response) => response.json());
}

export async function getTriggerDetails(triggerId: string, key: string): Promise<Details> {
  const headers = { 'X-API-Key': key };
  const answered: Body<'/api/v1/triggers/{trigger_id}'> = await fetch(`/api/v1/triggers/${triggerId}`, {
    headers,
  }).then((response) => response.json());
  const basic: TriggerBasicInfo = answered;

  if (basic.flow_type === 'direct_channel') {
    const details: Body<'/api/v1/triggers/{trigger_id}/direct'> = await fetch(
      `/api/v1/triggers/${triggerId}/direct`,
      { headers },
    ).then((response) => response.json());
    return { basic, details, type: 'direct' };
  }
  const details: Body<'/api/v1/triggers/{trigger_id}/workflow'> = await fetch(
    `/api/v1/triggers/${triggerId}/workflow`,
    { headers },
  ).then((response) => response.json());
  return { basic, details, type: 'workflow' };
}

export function describe(trigger: Details): string[] {
  if (trigger.type === 'direct') {
    const { channel, execution, jobs } = trigger.details;
    return [`Channel: ${channel}`, `Sent: ${execution?.sent_count}`, `Filtered: ${jobs?.filtered}`];
  }
  return [`Workflow: ${trigger.details.workflow.name}`, `Steps: ${trigger.details.steps.length}`];
}

export async function whoWasFiltered(triggerId: string, key: string): Promise<string[]> {
  const headers = { 'X-API-Key': key };
  const summary = await fetch(`/api/v1/triggers/${triggerId}/direct`, { headers });
  const { jobs, execution_details_endpoint }: Schemas['DirectDetails'] = await summary.json();
  const lines = [`Total: ${jobs?.total}, Sent: ${jobs?.sent}, Filtered: ${jobs?.filtered}`];
  if (jobs !== null && jobs.filtered > 0) {
    const contacts = await fetch(`${execution_details_endpoint}?status=filtered&limit=50`, { headers });
    const { data }: Body<'/api/v1/sms/executions/{execution_id}/jobs'> = await contacts.json();
    data.jobs.forEach((job) => {
      lines.push(`${job.phone_number}: ${job.filter_reason}`);
    });
  }
  return lines;
}

// These must not compile: the types are no wider than the answers, and no narrower than the requests.
export function refused(
  trigger: Schemas['Trigger'],
  email: Schemas['EmailJob'],
  step: Schemas['Step'],
  made: Run['answer'],
): unknown[] {
  const contact = { recipient_type: 'contact', contact_external_id: 'user_123' } as const;
  return [
    // @ts-expect-error: what is sent must be said
    contact satisfies Sms['request'],
    // @ts-expect-error: the path says the channel
    { template_key: 'otp_us', channel: 'sms', ...contact } satisfies Sms['request'],
    // @ts-expect-error: no such kind of recipients
    { template_key: 'otp_us', recipient_type: 'everybody' } satisfies Sms['request'],
    // @ts-expect-error: only a send to one contact has a job
    made.job_id.length,
    // @ts-expect-error: no such status
    trigger.status === 'finished',
    // @ts-expect-error: an e-mail has no phone number
    email.phone_number,
    // @ts-expect-error: a step yet to come has no execution
    step.execution.id,
    // @ts-expect-error: it may not have started
    trigger.started_at.length,
  ];
}
