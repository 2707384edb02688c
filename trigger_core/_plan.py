"""Planning: from requests to triggers, executions and jobs, by set-based SQL.

A request is looked at before anything is written for it, so one that can't be planned fails alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from attrs import define, field, frozen

from trigger_core import facts
from trigger_core._heads import Heads
from trigger_core._ids import new_id
from trigger_core._record import Batch
from trigger_core._rows import naive
from trigger_core.errors import IdempotencyMismatch, InvalidInput, InvalidValue
from trigger_core.sending import Receipt, Request, Send, WorkflowRun, digest
from trigger_core.store import Row, Session

KEPT: Final = timedelta(hours=24)
"""How long an idempotency key is remembered."""

_TITLES: Final = {"email": "Email", "sms": "SMS", "whatsapp": "WhatsApp"}


@define(eq=False)
class Submission:
    """A request on its way, and what became of it."""

    account: str
    request: Request
    key: str | None = None
    receipt: Receipt | None = None
    error: InvalidInput | None = None


@frozen
class Part:
    """What is planned as one execution."""

    channel: str
    template_key: str
    step: facts.Step | None = None


@frozen
class Draft:
    """A request that can be planned."""

    submission: Submission
    trigger: facts.Trigger
    parts: Sequence[Part]
    list_id: str | None
    variables: str | None


@define
class _Plans:
    """What is written for some requests."""

    facts: list[facts.Fact] = field(factory=list)
    plans: list[Row] = field(factory=list)
    audience: list[Row] = field(factory=list)
    kept: list[Row] = field(factory=list)
    steps: list[Row] = field(factory=list)
    variables: list[Row] = field(factory=list)
    keys: list[Row] = field(factory=list)


def submit(session: Session, heads: Heads, submissions: Sequence[Submission], now: datetime) -> Batch | None:
    """Plans what can be planned of some requests, in one write transaction; the others get their error."""
    by_account: dict[str, list[Submission]] = defaultdict(list)
    for submission in submissions:
        submission.receipt = submission.error = None  # it may have been tried before, together with others
        by_account[submission.account].append(submission)
    made = _Plans()
    for account, group in by_account.items():
        for draft in _drafts(session, account, _without_replays(session, account, group, now), now):
            _lay_out(made, draft, now)
    return _write(session, heads, made) if made.facts else None


def plan_due(session: Session, heads: Heads, now: datetime, most: int) -> Batch | None:
    """Plans the steps and channels of workflows that are due."""
    made = _Plans()
    taken = {trigger_id for (trigger_id,) in session.rows("dispatch_steps_taken", now=naive(now))}
    for account, trigger_id, step_id, channel, template_key, due_at, variables in session.rows(
        "dispatch_steps_due", now=naive(now), limit=most
    ):
        execution = facts.Execution(
            account=account,
            trigger_id=trigger_id,
            execution_id=new_id(),
            channel=channel,
            step_id=step_id,
        )
        made.facts.append(execution)
        made.plans.append(_plan_row(execution, template_key, None, True, True, variables, now, due_at))
    batch = None
    if made.facts:
        batch = _write(session, heads, made, clear=False)
        session.run("dispatch_steps_done")
        session.clear("staged_plans")
    session.run("plan_audiences_done", trigger_ids=list(taken | {str(row[1]) for row in made.plans}))
    return batch


def tidy(session: Session, now: datetime) -> None:
    """Forgets what was kept for requests, as far as it is too old or of no more use."""
    session.run("tidy_keys", since=naive(now - KEPT))
    session.run("tidy_variables")


def _write(session: Session, heads: Heads, made: _Plans, *, clear: bool = True) -> Batch:
    batch = Batch(session, heads, enumerate(made.facts), None)
    batch.apply()
    for table, rows in (
        ("trigger_variables", made.variables),
        ("idempotency_keys", made.keys),
        ("scheduled_steps", made.steps),
        ("staged_audience", made.audience),
        ("staged_audiences", made.kept),
        ("staged_plans", made.plans),
    ):
        if rows:
            session.append(table, rows)
    if made.kept:
        session.run("plan_audiences")
    if made.plans:
        session.run("plan_jobs")
        session.run("plan_tally")
        session.run("plan_samples")
        if any(row[7] for row in made.plans):
            session.run("plan_contacts_tally")
            session.run("plan_contacts")
        session.run("plan_dispatches")
    session.clear("staged_audience", "staged_audiences", *(["staged_plans"] if clear else []))
    return batch


# What may be planned


def _without_replays(
    session: Session, account: str, group: Iterable[Submission], now: datetime
) -> list[Submission]:
    """The requests whose idempotency keys are new; the others get what was answered then."""
    group = list(group)
    keys = [submission.key for submission in group if submission.key is not None]
    if not keys:
        return group
    asked = {"account": account, "keys": keys, "since": naive(now - KEPT)}
    known = {
        key: (request, str(trigger_id), job_id)
        for key, request, trigger_id, job_id in session.rows("idempotency_answers", **asked)
    }
    session.run("idempotency_expire", **asked)
    new = []
    for submission in group:
        found = known.get(submission.key or "")
        if found is None:
            new.append(submission)
        elif found[0] == digest(submission.request):
            submission.receipt = Receipt(trigger_id=found[1], job_id=found[2], is_replay=True)
        else:
            submission.error = IdempotencyMismatch()
    return new


def _drafts(session: Session, account: str, group: Sequence[Submission], now: datetime) -> list[Draft]:
    """The requests that name what is there."""
    if not group:
        return []
    keys = {each.request.template_key for each in group if isinstance(each.request, Send)}
    known = (
        set(session.rows("catalog_templates_known", account=account, template_keys=sorted(keys)))
        if keys
        else set()
    )
    currencies: dict[str, str | None] = dict(session.rows("account_currencies", accounts=[account]))
    found = []
    for submission in group:
        try:
            found.append(_draft(session, submission, known, currencies.get(account), now))
        except InvalidInput as error:
            submission.error = error
    return found


def _draft(
    session: Session, submission: Submission, known: set[Row], currency: str | None, now: datetime
) -> Draft:
    request, account = submission.request, submission.account
    workflow, parts = (
        (None, _send_parts(request, known))
        if isinstance(request, Send)
        else _workflow_parts(session, account, request)
    )
    list_id = None if request.list_name is None else _list(session, account, request.list_name)
    if currency is None:
        raise InvalidValue("currency", "is not known of this account: put a template with one first")
    trigger = facts.Trigger(
        account=account,
        trigger_id=new_id(),
        flow_type="direct_channel" if workflow is None else "workflow",
        trigger_type="workflow" if workflow else parts[0].channel,
        trigger_source="direct_api" if workflow is None else "workflow_api",
        campaign_name=request.campaign_name
        or (
            workflow.name if workflow else f"{_TITLES[parts[0].channel]} Send - {parts[0].template_key}"[:200]
        ),
        currency=currency,
        created_at=now,
        scheduled_at=request.scheduled_at,
        workflow=workflow,
    )
    variables = json.dumps(request.variables, ensure_ascii=False) if request.variables else None
    return Draft(submission, trigger, parts, list_id, variables)


def _send_parts(request: Send, known: set[Row]) -> list[Part]:
    if (request.channel, request.template_key) not in known:
        raise InvalidValue(
            "template_key", f"names no {request.channel} template of this account: put that first"
        )
    return [Part(request.channel, request.template_key)]


def _workflow_parts(
    session: Session, account: str, request: WorkflowRun
) -> tuple[facts.Workflow, list[Part]]:
    rows = session.rows("catalog_workflow", account=account, name=request.workflow_name)
    if not rows:
        raise InvalidValue("workflow_name", "names no workflow of this account: put that first")
    [(workflow_id, group_key)] = rows
    run = partial(facts.Workflow, id=str(workflow_id), name=request.workflow_name, execution_id=new_id())
    if group_key is not None:
        [(group_id, *keys)] = session.rows(
            "catalog_template_group", account=account, template_group_key=group_key
        )
        parts = [Part(channel, key) for channel, key in zip(facts.CHANNELS, keys, strict=True) if key]
        channels = tuple(part.channel for part in parts)
        return run(type="template_group", template_group_id=str(group_id), channels=channels), parts
    rows = session.rows("catalog_workflow_steps", account=account, workflow_id=str(workflow_id))
    parts = [
        Part(
            channel,
            template_key,
            facts.Step(
                step_id=step_id,
                step_order=order,
                step_name=name,
                channel=channel,
                delay_minutes=delay,
            ),
        )
        for order, step_id, name, channel, template_key, delay in rows
    ]
    steps = tuple(part.step for part in parts if part.step is not None)
    return run(type="steps", steps=steps), parts


def _list(session: Session, account: str, name: str) -> str:
    rows = session.rows("catalog_list", account=account, name=name)
    if not rows:
        raise InvalidValue("list_name", "names no list of this account: put that first")
    [(list_id, members)] = rows
    if not members:
        raise InvalidValue("list_name", "names an empty list: put contacts on it first")
    return str(list_id)


# What is written


def _lay_out(made: _Plans, draft: Draft, now: datetime) -> None:
    """Adds what a request needs: what is due now is planned now, the rest is kept for when it is due."""
    submission, trigger, request = draft.submission, draft.trigger, draft.submission.request
    account, trigger_id = trigger.account, trigger.trigger_id
    made.facts.append(trigger)
    now_due, later = [], []
    for part in draft.parts:
        due_at = trigger.start + timedelta(minutes=part.step.delay_minutes if part.step else 0)
        if trigger.workflow is None or due_at <= now:
            now_due.append((part, due_at))
        else:
            later.append((part, due_at))
    if draft.list_id is None:
        named = request.contact_external_ids or (request.contact_external_id,)
        made.audience += [(account, trigger_id, place, name) for place, name in enumerate(named, 1)]
    if later:
        made.kept.append((account, trigger_id, draft.list_id))
        made.steps += [
            (
                account,
                trigger_id,
                part.step.step_order if part.step else order,
                part.step and part.step.step_id,
                part.channel,
                part.template_key,
                naive(due_at),
            )
            for order, (part, due_at) in enumerate(later, 1)
        ]
    if draft.variables is not None:
        made.variables.append((account, trigger_id, draft.variables))
    for part, due_at in now_due:
        execution = facts.Execution(
            account=account,
            trigger_id=trigger_id,
            execution_id=new_id(),
            channel=part.channel,
            step_id=part.step.step_id if part.step else None,
        )
        made.facts.append(execution)
        list_id = None if later else draft.list_id
        made.plans.append(
            _plan_row(
                execution,
                part.template_key,
                list_id,
                bool(later),
                trigger.workflow is not None,
                draft.variables,
                now,
                naive(due_at),
            )
        )
    job_id = 1 if trigger.workflow is None and request.contact_external_id is not None else None
    submission.receipt = Receipt(trigger_id=trigger_id, job_id=job_id)
    if submission.key is not None:
        made.keys.append((account, submission.key, digest(request), trigger_id, job_id, naive(now)))


def _plan_row(
    execution: facts.Execution,
    template_key: str,
    list_id: str | None,
    is_kept: bool,
    in_workflow: bool,
    variables: str | None,
    now: datetime,
    due_at: datetime,
) -> Row:
    """A row of ``staged_plans``."""
    return (
        execution.account,
        execution.trigger_id,
        execution.execution_id,
        execution.channel,
        template_key,
        list_id,
        is_kept,
        in_workflow,
        variables,
        naive(now),
        due_at,
    )
