-- What analysts and auditors select from: every view shows the account and derives each value from the recorded facts
-- when it is asked. Filter by account and trigger_id, and a view looks at that trigger alone.

-- What became of each execution: its status and times, how many of its jobs ended how, what they cost, and how many
-- jobs got each delivery event. total is the larger of the jobs recorded and expected, and the sum of sent, failed,
-- filtered, cancelled and pending; cancelled_by_trigger says how many of the cancelled ones the trigger's cancel ended.
-- segments and cost are those of sent jobs. delivered counts what implies delivery, too; delivery_failed counts sent
-- jobs of which the provider said later that they could not be delivered.
create or replace view execution_counts as
with ledger as (
    select
        account,
        trigger_id,
        execution_id,
        coalesce(sum(n) filter (where measure = 'jobs'), 0) as jobs,
        sum(n) filter (where measure = 'expected') as expected,
        coalesce(sum(n) filter (where measure = 'sent'), 0) as sent,
        coalesce(sum(n) filter (where measure = 'failed'), 0) as failed,
        coalesce(sum(n) filter (where measure = 'filtered'), 0) as filtered,
        coalesce(sum(n) filter (where measure = 'cancelled'), 0) as cancelled,
        coalesce(sum(n) filter (where measure = 'claimed'), 0) as claimed,
        sum(segments) as segments,
        sum(cost) as cost,
        min(first_at) filter (where measure in ('started', 'attempted', 'outcome')) as active_at,
        min(first_at) filter (where measure = 'filtered') as filtered_at,
        max(last_at) filter (where measure = 'outcome') as last_outcome_at,
        coalesce(sum(n) filter (where measure = 'reached'), 0) as delivered,
        coalesce(sum(n) filter (where measure = 'delivery_failed'), 0) as delivery_failed,
        coalesce(sum(n) filter (where measure = 'bounced'), 0) as bounced,
        coalesce(sum(n) filter (where measure = 'opened'), 0) as opened,
        coalesce(sum(n) filter (where measure = 'clicked'), 0) as clicked,
        coalesce(sum(n) filter (where measure = 'read'), 0) as read,
        coalesce(sum(n) filter (where measure = 'replied'), 0) as replied,
        coalesce(sum(n) filter (where measure = 'complained'), 0) as complained,
        coalesce(sum(n) filter (where measure = 'unsubscribed'), 0) as unsubscribed
    from tally
    where execution_id is not null
    group by account, trigger_id, execution_id
),

-- Without an outcome are the jobs still to be worked on and those expected but not recorded. Nobody knows the audience
-- of an execution without jobs until it is said that none are expected.
known as (
    select
        l.*,
        t.currency,
        t.created_at,
        t.cancelled_at,
        greatest(l.jobs, l.expected) as total,
        greatest(l.jobs, l.expected) - l.sent - l.failed - l.filtered - l.cancelled as without_outcome,
        l.jobs = 0 and l.expected is null as is_audience_to_come
    from ledger as l
    inner join triggers as t on l.account = t.account and l.trigger_id = t.trigger_id
),

-- A cancel ends whatever has no outcome and is in no sender's hands.
withdrawn as (
    select
        *,
        case
            when cancelled_at is null then 0
            else without_outcome - least(claimed, without_outcome)
        end as cancelled_by_trigger
    from known
),

ended as (
    select
        *,
        without_outcome = cancelled_by_trigger and (cancelled_at is not null or not is_audience_to_come) as is_ended,
        cancelled_at is not null and (cancelled_by_trigger > 0 or is_audience_to_come) as is_ended_by_cancel
    from withdrawn
),

timed as (
    select
        *,
        case
            when active_at is not null or not is_ended then active_at
            when total = 0 and not is_audience_to_come then created_at
            else filtered_at
        end as started_at
    from ended
)

select
    m.account,
    m.trigger_id,
    m.execution_id,
    e.channel,
    e.step_id,
    case
        when not m.is_ended and (m.active_at is null or m.is_audience_to_come) then 'pending'
        when not m.is_ended then 'processing'
        when m.cancelled > 0 or m.is_ended_by_cancel then 'cancelled'
        when m.failed > 0 and m.sent = 0 then 'failed'
        else 'completed'
    end as status,
    m.total::bigint as total,
    m.sent::bigint as sent,
    m.failed::bigint as failed,
    m.filtered::bigint as filtered,
    (m.cancelled + m.cancelled_by_trigger)::bigint as cancelled,
    m.cancelled_by_trigger::bigint as cancelled_by_trigger,
    (m.without_outcome - m.cancelled_by_trigger)::bigint as pending,
    m.segments::bigint as segments,
    m.cost,
    m.currency,
    m.started_at,
    case
        when m.is_ended
            then greatest(
                m.last_outcome_at, m.started_at, case when m.is_ended_by_cancel then m.cancelled_at end
            )
    end as completed_at,
    m.delivered::bigint as delivered,
    m.delivery_failed::bigint as delivery_failed,
    m.bounced::bigint as bounced,
    m.opened::bigint as opened,
    m.clicked::bigint as clicked,
    m.read::bigint as read,
    m.replied::bigint as replied,
    m.complained::bigint as complained,
    m.unsubscribed::bigint as unsubscribed
from timed as m
inner join executions as e
    on m.account = e.account and m.trigger_id = e.trigger_id and m.execution_id = e.execution_id;

-- What became of each trigger: its status and times, its distinct contacts, how many jobs of all its executions ended
-- how and what they cost, and how many of a workflow's steps or channels are completed.
create or replace view trigger_status as
with contacts as (
    select
        account,
        trigger_id,
        coalesce(sum(n) filter (where measure = 'contacts'), 0) as contacts
    from tally
    where execution_id is null
    group by account, trigger_id
),

places as (
    select
        account,
        trigger_id,
        count(*) as places
    from steps
    group by account, trigger_id
),

sums as (
    select
        account,
        trigger_id,
        count(*) as executions,
        max(total) as largest,
        sum(sent) as sent,
        sum(failed) as failed,
        sum(filtered) as filtered,
        sum(cancelled) as cancelled,
        sum(pending) as pending,
        sum(cost) as cost,
        count(*) filter (where status = 'pending') as waiting,
        count(*) filter (where status = 'processing') as working,
        count(*) filter (where status = 'completed') as completed,
        count(*) filter (where status = 'cancelled') as stopped,
        min(started_at) as started_at,
        max(completed_at) as completed_at
    from execution_counts
    group by account, trigger_id
),

-- A direct send has one place for an execution, a workflow one for each step or channel.
known as (
    select
        t.*,
        greatest(c.contacts, coalesce(s.largest, 0)) as total_contacts,
        coalesce(s.sent, 0) as sent,
        coalesce(s.failed, 0) as failed,
        coalesce(s.filtered, 0) as filtered,
        coalesce(s.cancelled, 0) as cancelled,
        coalesce(s.pending, 0) as pending,
        coalesce(s.cost, 0)::decimal(38, 6) as total_cost,
        coalesce(s.executions, 0) as executions,
        coalesce(s.waiting, 0) as waiting,
        coalesce(s.working, 0) as working,
        coalesce(s.completed, 0) as completed,
        coalesce(s.stopped, 0) as stopped,
        coalesce(p.places, 1) - coalesce(s.executions, 0) as to_come,
        p.places,
        s.started_at,
        s.completed_at as last_at
    from triggers as t
    inner join contacts as c on t.account = c.account and t.trigger_id = c.trigger_id
    left join places as p on t.account = p.account and t.trigger_id = p.trigger_id
    left join sums as s on t.account = s.account and t.trigger_id = s.trigger_id
),

ended as (
    select
        *,
        (to_come = 0 or cancelled_at is not null) and waiting = 0 and working = 0 as is_ended
    from known
),

timed as (
    select
        *,
        case
            when is_ended then greatest(last_at, case when to_come > 0 then cancelled_at end)
        end as completed_at
    from ended
)

select
    account,
    trigger_id,
    flow_type,
    trigger_type,
    trigger_source,
    campaign_name,
    workflow_type,
    workflow_id,
    workflow_name,
    workflow_execution_id,
    template_group_id,
    case
        when not is_ended and waiting = executions then 'pending'
        when not is_ended then 'processing'
        when to_come > 0 or stopped > 0 then 'cancelled'
        when failed > 0 and sent = 0 then 'failed'
        else 'completed'
    end as status,
    total_contacts::bigint as total_contacts,
    sent::bigint as sent,
    failed::bigint as failed,
    filtered::bigint as filtered,
    cancelled::bigint as cancelled,
    pending::bigint as pending,
    total_cost,
    currency,
    created_at,
    started_at,
    completed_at,
    scheduled_at,
    cancelled_at,
    extract(epoch from (completed_at - started_at))::decimal(18, 3) as duration_seconds,
    case workflow_type when 'steps' then completed end as steps_completed,
    case workflow_type when 'steps' then places end as steps_total,
    case workflow_type when 'template_group' then completed end as channels_completed,
    case workflow_type when 'template_group' then places end as channels_total
from timed;

-- How far each workflow got: one row per step, or per channel of a template group. Status and times are those of the
-- execution; where none is recorded yet, the first such step is scheduled and scheduled_for says when it is due, later
-- ones and channels are pending, and a cancel of the trigger makes all of them cancelled.
create or replace view step_status as
with places as (
    select
        s.*,
        t.cancelled_at,
        coalesce(t.scheduled_at, t.created_at) as start_at,
        c.execution_id,
        c.status,
        c.started_at,
        c.completed_at,
        row_number() over (
            partition by s.account, s.trigger_id, c.execution_id is null
            order by s.step_order
        ) as place
    from steps as s
    inner join triggers as t on s.account = t.account and s.trigger_id = t.trigger_id
    left join execution_counts as c
        on
            s.account = c.account
            and s.trigger_id = c.trigger_id
            and coalesce(s.step_id, s.channel) = coalesce(c.step_id, c.channel)
),

next_up as (
    select
        *,
        execution_id is null and cancelled_at is null and step_id is not null and place = 1 as is_next
    from places
)

select
    account,
    trigger_id,
    step_order,
    step_id,
    step_name,
    channel,
    delay_minutes,
    execution_id,
    case
        when execution_id is not null then status
        when cancelled_at is not null then 'cancelled'
        when is_next then 'scheduled'
        else 'pending'
    end as status,
    case when is_next then start_at + delay_minutes * interval '1 minute' end as scheduled_for,
    started_at,
    completed_at
from next_up;

-- Why contacts got nothing: how many jobs of each execution were filtered for each reason, and the first ten of them by
-- job_id: their addresses, or who they are where there is no address.
create or replace view filter_reasons as
with reasons as (
    select
        account,
        trigger_id,
        execution_id,
        detail as reason,
        sum(n) as filtered
    from tally
    where measure = 'filtered'
    group by account, trigger_id, execution_id, detail
    having sum(n) > 0
),

firsts as (
    select
        account,
        trigger_id,
        execution_id,
        reason,
        job_id,
        contact
    from samples
    qualify row_number() over (partition by account, trigger_id, execution_id, reason order by job_id) <= 10
),

lists as (
    select
        account,
        trigger_id,
        execution_id,
        reason,
        array_agg(contact order by job_id) as contacts
    from firsts
    group by account, trigger_id, execution_id, reason
)

select
    r.account,
    r.trigger_id,
    r.execution_id,
    r.reason,
    r.filtered::bigint as count,
    l.contacts,
    r.filtered > 10 as contacts_truncated
from reasons as r
left join lists as l
    on
        r.account = l.account
        and r.trigger_id = l.trigger_id
        and r.execution_id = l.execution_id
        and r.reason = l.reason;

-- What became of each contact: one row per job. A job without an outcome is pending, or cancelled once its trigger is
-- and no sender has it in hand. The planned columns are of jobs that this library planned to send.
-- delivered_at is the first sign that the message got there; delivery_failed_at is when the provider gave up on it.
create or replace view job_states as
with tries as (
    select
        account,
        trigger_id,
        execution_id,
        job_id,
        next_attempt_at,
        count(*) over (partition by account, trigger_id, execution_id, job_id) as attempts
    from attempts
    qualify row_number() over (partition by account, trigger_id, execution_id, job_id order by n desc) = 1
),

told as (
    select
        account,
        trigger_id,
        execution_id,
        job_id,
        min(occurred_at) filter (
            where type in ('delivered', 'opened', 'clicked', 'read', 'replied', 'complained')
        ) as delivered_at,
        min(occurred_at) filter (where type = 'failed') as delivery_failed_at,
        min(occurred_at) filter (where type = 'bounced') as bounced_at,
        min(occurred_at) filter (where type = 'opened') as opened_at,
        min(occurred_at) filter (where type = 'clicked') as clicked_at,
        min(occurred_at) filter (where type = 'read') as read_at,
        min(occurred_at) filter (where type = 'replied') as replied_at,
        min(occurred_at) filter (where type = 'complained') as complained_at,
        min(occurred_at) filter (where type = 'unsubscribed') as unsubscribed_at
    from events
    group by account, trigger_id, execution_id, job_id
),

states as (
    select
        j.*,
        e.channel,
        t.currency,
        t.cancelled_at as withdrawn_at,
        case
            when j.sent_at is not null then 'sent'
            when j.failed_at is not null then 'failed'
            when j.filtered_at is not null then 'filtered'
            when j.cancelled_at is not null or (t.cancelled_at is not null and c.claim_id is null) then 'cancelled'
            else 'pending'
        end as status
    from jobs as j
    inner join executions as e
        on j.account = e.account and j.trigger_id = e.trigger_id and j.execution_id = e.execution_id
    inner join triggers as t on j.account = t.account and j.trigger_id = t.trigger_id
    left join claims as c
        on
            j.account = c.account
            and j.trigger_id = c.trigger_id
            and j.execution_id = c.execution_id
            and j.job_id between c.first_job_id and c.last_job_id
)

select
    s.account,
    s.trigger_id,
    s.execution_id,
    s.channel,
    s.job_id,
    s.contact,
    s.address,
    s.status,
    case s.status when 'filtered' then s.code end as filter_code,
    case s.status when 'filtered' then s.message end as filter_reason,
    case s.status when 'failed' then s.code end as error_code,
    case s.status when 'failed' then s.message end as error_message,
    coalesce(a.attempts, 0) as attempts,
    case s.status when 'pending' then a.next_attempt_at end as next_attempt_at,
    s.provider,
    s.provider_message_id,
    s.segments,
    s.cost,
    s.planned_segments,
    s.planned_cost,
    s.currency,
    s.sent_at,
    s.failed_at,
    s.filtered_at,
    case
        when s.sent_at is null and s.failed_at is null and s.filtered_at is null
            then coalesce(s.cancelled_at, s.withdrawn_at)
        else s.cancelled_at
    end as cancelled_at,
    d.delivered_at,
    d.delivery_failed_at,
    d.bounced_at,
    d.opened_at,
    d.clicked_at,
    d.read_at,
    d.replied_at,
    d.complained_at,
    d.unsubscribed_at
from states as s
left join tries as a
    on
        s.account = a.account
        and s.trigger_id = a.trigger_id
        and s.execution_id = a.execution_id
        and s.job_id = a.job_id
left join told as d
    on
        s.account = d.account
        and s.trigger_id = d.trigger_id
        and s.execution_id = d.execution_id
        and s.job_id = d.job_id;
