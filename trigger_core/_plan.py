"""Planning: from requests to triggers, executions and jobs, by set-based SQL.

A request is looked at before anything is written for it, so one that can't be planned fails alone.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, cast

from attrs import define, field, frozen

from trigger_core import facts
from trigger_core._derive import utc
from trigger_core._heads import Cache
from trigger_core._ids import contact_id, new_id
from trigger_core._rows import naive, step_rows, tally_row, trigger_row
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


@frozen
class Planned:
    """One execution on its way."""

    execution: facts.Execution
    template_key: str
    in_workflow: bool
    variables: str | None
    due_at: datetime


@define
class Batch:
    """What is written for some requests.

    Attributes:
        listed: triggers for the contacts of a list, with its id.
        keeping: runs whose audience is kept for later steps.
        kept: runs whose audience was kept.
    """

    now: datetime
    triggers: list[facts.Trigger] = field(factory=list)
    executions: list[Planned] = field(factory=list)
    audience: list[Row] = field(factory=list)
    listed: list[tuple[str, str, str]] = field(factory=list)
    keeping: list[str] = field(factory=list)
    kept: list[str] = field(factory=list)
    steps: list[Row] = field(factory=list)
    variables: list[Row] = field(factory=list)
    keys: list[Row] = field(factory=list)

    @property
    def touched(self) -> set[str]:
        """The triggers that this is about."""
        return {trigger.trigger_id for trigger in self.triggers} | {
            planned.execution.trigger_id for planned in self.executions
        }

    def write(self, session: Session) -> None:
        """Writes it, in one write transaction."""
        self._lay_out_audience(session)
        append = session.append
        for table, rows in (
            ("triggers", [trigger_row(fact) for fact in self.triggers]),
            ("steps", [row for fact in self.triggers for row in step_rows(fact)]),
            ("executions", [_execution_row(planned.execution) for planned in self.executions]),
            ("trigger_variables", self.variables),
            ("idempotency_keys", self.keys),
            ("scheduled_steps", self.steps),
        ):
            if rows:
                append(table, rows)
        if self.executions:
            placed = [planned.execution for planned in self.executions]
            session.guard(
                "execution_ids_insert",
                execution_ids=[one.execution_id for one in placed],
                trigger_ids=[one.trigger_id for one in placed],
                accounts=[one.account for one in placed],
                channels=[one.channel for one in placed],
                step_ids=[one.step_id for one in placed],
                flow_types=[facts.FLOW_TYPES[planned.in_workflow] for planned in self.executions],
            )
        append("tally", [*self._heads(), *self._jobs(session)])
        if self.executions or self.keeping:
            session.clear("staged_audience", "staged_plans")

    def _lay_out_audience(self, session: Session) -> None:
        if self.listed or self.kept:
            session.use_all_cores()
        if self.audience:
            session.append("staged_audience", self.audience)
        for account, trigger_id, list_id in self.listed:
            session.run("plan_audience_listed", account=account, trigger_id=trigger_id, list_id=list_id)
        if self.kept:
            session.run("plan_audience_kept", trigger_ids=self.kept)
        if self.keeping:
            session.run("plan_audience_keep", trigger_ids=self.keeping)

    def _is_single(self, session: Session) -> bool:
        """Whether each execution is for one contact and nothing is to be filled in."""
        if self.listed or self.kept or len({row[1] for row in self.audience}) < len(self.audience):
            return False
        [(vary,)] = session.rows("plan_jobs_vary")
        return not vary

    def _heads(self) -> Iterator[Row]:
        for fact in self.triggers:
            yield tally_row(
                fact.account, fact.trigger_id, None, "trigger", fact.trigger_type, naive(fact.created_at)
            )
        for planned in self.executions:
            one = planned.execution
            yield tally_row(
                one.account, one.trigger_id, one.execution_id, "execution", one.step_id or one.channel
            )

    def _jobs(self, session: Session) -> list[Row]:
        """Plans the jobs, and lays them out for workers; what the ledger says of them."""
        if not self.executions:
            return []
        by_id = {planned.execution.execution_id: planned for planned in self.executions}
        session.append("staged_plans", [_plan_row(planned, self.now) for planned in self.executions])
        session.run("plan_jobs_single" if self._is_single(session) else "plan_jobs")
        at = naive(self.now)
        ledger: list[Row] = []
        dispatches: list[Row] = []
        totals: Counter[str] = Counter()
        filtered: dict[str, dict[str, int]] = {}
        for execution_id, reason, jobs, first, last in session.rows("plan_counts"):
            one = by_id[execution_id].execution
            place = (one.account, one.trigger_id, execution_id)
            totals[execution_id] += jobs
            if reason is None:
                due_at = naive(by_id[execution_id].due_at)
                dispatches.append((*place, one.channel, due_at, first - 1, last))
                continue
            if execution_id not in filtered:
                filtered[execution_id] = {}
                ledger.append((*place, "filtered", None, 0, 0, 0, at, None, 1, None))
                ledger.append((*place, "outcome", None, 0, 0, 0, None, at, 1, None))
            filtered[execution_id][reason] = jobs
        for execution_id, jobs in totals.items():
            one = by_id[execution_id].execution
            ledger.append(
                (one.account, one.trigger_id, execution_id, "jobs", None, jobs, 0, 0, None, None, 1, None)
            )
        if dispatches:
            session.append("dispatches", dispatches)
        if filtered:
            session.run("plan_samples")
            for execution_id, reason, contacts in session.rows("plan_first_contacts"):
                one = by_id[execution_id].execution
                jobs = filtered[execution_id][reason]
                place = (one.account, one.trigger_id, execution_id)
                ledger.append((*place, "filtered", reason, jobs, 0, 0, None, None, 1, contacts))
        if any(planned.in_workflow for planned in self.executions):
            session.run("plan_contacts_tally")
            session.run("plan_contacts")
        return ledger


def _execution_row(fact: facts.Execution) -> Row:
    """A row of ``executions``."""
    return (fact.account, fact.trigger_id, fact.execution_id, fact.channel, fact.step_id, None, None)


def _plan_row(planned: Planned, now: datetime) -> Row:
    """A row of ``staged_plans``."""
    one = planned.execution
    return (
        one.account,
        one.trigger_id,
        one.execution_id,
        one.channel,
        planned.template_key,
        planned.in_workflow,
        planned.variables,
        naive(now),
    )


class Known:
    """What stays true once it is: that a template is there, and what an account's currency is."""

    def __init__(self) -> None:
        self._templates: Cache[bool] = Cache(10_000)
        self._currencies: Cache[str] = Cache(10_000)

    def templates(self, session: Session, account: str, asked: set[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of some templates, by channel and key, the account has."""
        found = {place for place in asked if self._templates.get((account, *place))}
        if missing := sorted({key for _, key in asked - found}):
            for channel, key in session.rows(
                "catalog_templates_known", account=account, template_keys=missing
            ):
                found.add((channel, key))
                self._templates.put((account, channel, key), True)
        return found

    def currency(self, session: Session, account: str) -> str | None:
        """The account's currency, if it has one yet."""
        known = self._currencies.get(account)
        if known is None:
            rows: dict[str, str | None] = dict(session.rows("account_currencies", accounts=[account]))
            known = rows.get(account)
            if known is not None:
                self._currencies.put(account, known)
        return known


def submit(session: Session, known: Known, submissions: Sequence[Submission], now: datetime) -> Batch:
    """Plans what can be planned of some requests, in one write transaction; the others get their error."""
    by_account: dict[str, list[Submission]] = defaultdict(list)
    for submission in submissions:
        submission.receipt = submission.error = None  # it may have been tried before, together with others
        by_account[submission.account].append(submission)
    batch = Batch(now)
    for account, group in by_account.items():
        for draft in _drafts(session, known, account, _without_replays(session, account, group, now), now):
            _lay_out(batch, draft, now)
    if batch.triggers:
        batch.write(session)
    return batch


def plan_due(session: Session, now: datetime, most: int, trigger_id: str | None = None) -> Batch:
    """Plans the steps and channels of workflows that are due, of one run or of all."""
    batch = Batch(now)
    taken = {run_id for (run_id,) in session.rows("dispatch_steps_taken", now=naive(now))}
    for account, run_id, step_id, channel, template_key, due_at, variables in session.rows(
        "dispatch_steps_due", now=naive(now), limit=most, trigger_id=trigger_id
    ):
        execution = facts.Execution(
            account=account,
            trigger_id=run_id,
            execution_id=new_id(),
            channel=channel,
            step_id=step_id,
        )
        batch.executions.append(Planned(execution, template_key, True, variables, utc(due_at)))
    if batch.executions:
        batch.kept = list(batch.touched)
        batch.write(session)
        executions = [planned.execution.execution_id for planned in batch.executions]
        session.run("dispatch_steps_done", trigger_ids=batch.kept, execution_ids=executions)
    session.run("plan_audiences_done", trigger_ids=list(taken | batch.touched))
    return batch


def tidy(session: Session, now: datetime) -> None:
    """Forgets what was kept for requests, as far as it is too old or of no more use."""
    session.run("tidy_keys", since=naive(now - KEPT))
    session.run("tidy_variables")


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


def _drafts(
    session: Session, known: Known, account: str, group: Sequence[Submission], now: datetime
) -> list[Draft]:
    """The requests that name what is there."""
    if not group:
        return []
    requests = [each.request for each in group]
    asked = {(one.channel, one.template_key) for one in requests if isinstance(one, Send)}
    templates = known.templates(session, account, asked)
    currency = known.currency(session, account)
    found = []
    for submission in group:
        try:
            found.append(_draft(session, submission, templates, currency, now))
        except InvalidInput as error:
            submission.error = error
    return found


def _draft(
    session: Session,
    submission: Submission,
    templates: set[tuple[str, str]],
    currency: str | None,
    now: datetime,
) -> Draft:
    request, account = submission.request, submission.account
    workflow: facts.Workflow | None = None
    parts: list[Part] = []
    list_id: str | None = None
    errors: list[InvalidValue] = []
    try:
        if isinstance(request, Send):
            parts = _send_parts(request, templates)
        else:
            workflow, parts = _workflow_parts(session, account, cast(WorkflowRun, request))
    except InvalidValue as error:
        errors.append(error)
    try:
        if request.list_name is not None:
            list_id = _list(session, account, request.list_name)
    except InvalidValue as error:
        errors.append(error)
    if errors:
        raise InvalidValue.of(errors)
    if currency is None:
        raise InvalidValue("currency", "is not known of this account: put a template with one first")
    try:
        trigger = facts.Trigger(
            account=account,
            trigger_id=new_id(),
            flow_type="direct_channel" if workflow is None else "workflow",
            trigger_type="workflow" if workflow else parts[0].channel,
            trigger_source="direct_api" if workflow is None else "workflow_api",
            campaign_name=request.campaign_name
            or (
                workflow.name
                if workflow
                else f"{_TITLES[parts[0].channel]} Send - {parts[0].template_key}"[:200]
            ),
            currency=currency,
            created_at=now,
            scheduled_at=request.scheduled_at,
            workflow=workflow,
        )
    except InvalidValue as error:
        if error.field != "workflow.steps":
            raise
        raise InvalidValue("scheduled_at", "must leave each step a time before the year 10000") from None
    variables = json.dumps(request.variables, ensure_ascii=False) if request.variables else None
    return Draft(submission, trigger, parts, list_id, variables)


def _send_parts(request: Send, templates: set[tuple[str, str]]) -> list[Part]:
    if (request.channel, request.template_key) not in templates:
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


def _lay_out(batch: Batch, draft: Draft, now: datetime) -> None:
    """Adds what a request needs: what is due now is planned now, the rest is kept for when it is due."""
    submission, trigger, request = draft.submission, draft.trigger, draft.submission.request
    account, trigger_id = trigger.account, trigger.trigger_id
    in_workflow = trigger.workflow is not None
    batch.triggers.append(trigger)
    if draft.list_id is None:
        one = request.contact_external_id
        named = request.contact_external_ids or (() if one is None else (one,))
        batch.audience += [
            (account, trigger_id, place, name, contact_id(account, name))
            for place, name in enumerate(named, 1)
        ]
    else:
        batch.listed.append((account, trigger_id, draft.list_id))
    if draft.variables is not None:
        batch.variables.append((account, trigger_id, draft.variables))
    for order, part in enumerate(draft.parts, 1):
        step = part.step
        due_at = trigger.start + timedelta(minutes=step.delay_minutes if step else 0)
        step_id = step.step_id if step else None
        if in_workflow and due_at > now:
            place = step.step_order if step else order
            batch.steps.append(
                (account, trigger_id, place, step_id, part.channel, part.template_key, naive(due_at))
            )
            if trigger_id not in batch.keeping:
                batch.keeping.append(trigger_id)
            continue
        execution = facts.Execution(
            account=account,
            trigger_id=trigger_id,
            execution_id=new_id(),
            channel=part.channel,
            step_id=step_id,
        )
        batch.executions.append(Planned(execution, part.template_key, in_workflow, draft.variables, due_at))
    job_id = 1 if not in_workflow and request.contact_external_id is not None else None
    submission.receipt = Receipt(trigger_id=trigger_id, job_id=job_id)
    if submission.key is not None:
        batch.keys.append((account, submission.key, digest(request), trigger_id, job_id, naive(now)))
