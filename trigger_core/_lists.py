"""Pages of jobs and of triggers, and the cursors that lead from one to the next."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, cast, get_args

import trigger_sql
from trigger_core import _derive, answers, facts
from trigger_core._derive import Ledger, utc
from trigger_core._heads import ExecutionHead, Heads
from trigger_core.errors import InvalidValue, NotFound
from trigger_core.facts import IMPLY_DELIVERY
from trigger_core.store import Row, Session

_LOOKED_AT: Final = 10_000
_CHUNK: Final = 500
_LONGEST: Final = 1 << 20
_JOB_STATUSES: Final = get_args(answers.JobStatus)

Filters = dict[str, Any]


def job_filters(status: str | None, filter_code: str | None, contact: str | None) -> Filters:
    """The filters of a job list, checked."""
    return {
        "status": status if status is None else facts.choice(status, "status", _JOB_STATUSES),
        "filter_code": filter_code if filter_code is None else facts.text(filter_code, "filter_code", 200),
        "contact": contact if contact is None else facts.text(contact, "contact", 200),
    }


def trigger_filters(
    status: str | None,
    flow_type: str | None,
    trigger_type: str | None,
    created_after: datetime | str | None,
    created_before: datetime | str | None,
) -> Filters:
    """The filters of a trigger list, checked."""
    return {
        "status": status if status is None else facts.choice(status, "status", get_args(answers.Status)),
        "flow_type": flow_type
        if flow_type is None
        else facts.choice(flow_type, "flow_type", facts.FLOW_TYPES),
        "trigger_type": trigger_type
        if trigger_type is None
        else facts.choice(trigger_type, "trigger_type", facts.TRIGGER_TYPES),
        "created_after": _moment(created_after, "created_after"),
        "created_before": _moment(created_before, "created_before"),
    }


def _moment(value: datetime | str | None, name: str) -> datetime | None:
    return None if value is None else facts.instant(value, name).replace(tzinfo=None)


def jobs(
    session: Session,
    heads: Heads,
    account: str,
    execution_id: str,
    channel: str | None,
    filters: Filters,
    limit: int,
    cursor: str | None,
) -> answers.JobPage:
    """A page of an execution's jobs."""
    facts.whole(limit, "limit", 1, 200)
    bound = ["jobs", account, execution_id, filters]
    after = 0 if cursor is None else facts.whole(_read_cursor(cursor, bound, 1)[0], "cursor", 1)
    head, trigger, ledger = _execution(session, heads, account, execution_id, channel)
    place = {"account": account, "trigger_id": head.trigger_id, "execution_id": execution_id}
    unended = _unended(session, place, ledger)
    found = session.rows("jobs", **place, **filters, **unended, after=after, limit=limit + 1)
    page = found[:limit]
    return answers.JobPage(
        jobs=_jobs(session, place, head, trigger, ledger, page),
        pagination=answers.Page(
            limit=limit,
            next_cursor=_cursor([page[-1][0]], bound) if len(found) > limit else None,
            total=_total(session, place, ledger, unended, filters),
        ),
    )


def job(
    session: Session, heads: Heads, account: str, execution_id: str, channel: str | None, job_id: int
) -> answers.Job:
    """One job."""
    head, trigger, ledger = _execution(session, heads, account, execution_id, channel)
    if not 1 <= job_id < 2**31:
        raise NotFound
    place = {"account": account, "trigger_id": head.trigger_id, "execution_id": execution_id}
    unended = _unended(session, place, ledger)
    rows = session.rows(
        "jobs", **place, **job_filters(None, None, None), **unended, after=job_id - 1, limit=1
    )
    if not rows or rows[0][0] != job_id:
        raise NotFound
    return _jobs(session, place, head, trigger, ledger, rows)[0]


def _execution(
    session: Session, heads: Heads, account: str, execution_id: str, channel: str | None
) -> tuple[ExecutionHead, facts.Trigger, Ledger]:
    head = heads.execution(session, execution_id)
    if head is None or head.account != account or channel not in (None, head.channel):
        raise NotFound
    trigger = heads.trigger(session, head.trigger_id)
    ledger, _ = _derive.ledger(session, account, head.trigger_id)
    if trigger is None or ledger is None:
        raise NotFound
    return head, trigger, ledger


def _unended(session: Session, place: Filters, ledger: Ledger) -> Filters:
    """What a job without an outcome shows, and which jobs of a cancelled trigger are pending all the same."""
    if ledger.cancelled_at is None:
        return {"unended": "pending", "claimed": []}
    claimed = ledger.executions[place["execution_id"]].n.get("claimed", 0)
    rows = session.rows("claimed_jobs", **place) if claimed else []
    return {"unended": "cancelled", "claimed": [job_id for (job_id,) in rows]}


def _total(session: Session, place: Filters, ledger: Ledger, unended: Filters, filters: Filters) -> int:
    """How many recorded jobs match: the ledger knows it for each status."""
    if filters["filter_code"] is not None or filters["contact"] is not None:
        return int(session.rows("jobs_total", **place, **filters, **unended)[0][0])
    n = ledger.executions[place["execution_id"]].n
    recorded, status = n.get("jobs", 0), filters["status"]
    if status is None:
        return recorded
    count = n.get(status, 0)
    without = recorded - sum(n.get(outcome, 0) for outcome in facts.OUTCOMES)
    claimed = len(unended["claimed"])
    if status == unended["unended"]:
        count += without - claimed
    elif status == "pending":
        count += claimed
    return count


def _jobs(
    session: Session,
    place: Filters,
    head: ExecutionHead,
    trigger: facts.Trigger,
    ledger: Ledger,
    rows: list[Row],
) -> tuple[answers.Job, ...]:
    if not rows:
        return ()
    span = {**place, "first": rows[0][0], "last": rows[-1][0]}
    attempts = {job_id: (count, at) for job_id, count, at in session.rows("job_attempts", **span)}
    events: dict[int, dict[str, datetime]] = {}
    for job_id, kind, at in session.rows("job_events", **span):
        events.setdefault(job_id, {})[kind] = at
    return tuple(
        _job(row, head, trigger, ledger, attempts.get(row[0], (0, None)), events.get(row[0], {}))
        for row in rows
    )


def _job(
    row: Row,
    head: ExecutionHead,
    trigger: facts.Trigger,
    ledger: Ledger,
    attempts: tuple[int, datetime | None],
    events: Mapping[str, datetime],
) -> answers.Job:
    (
        job_id,
        contact,
        address,
        status,
        sent_at,
        failed_at,
        filtered_at,
        cancelled_at,
        code,
        message,
        provider,
        provider_message_id,
        segments,
        cost,
    ) = row
    by_trigger = status == "cancelled" and cancelled_at is None
    filtered = status == "filtered"
    return answers.Job(
        job_id=job_id,
        channel=cast(answers.Channel, head.channel),
        address=address,
        contact_external_id=contact,
        status=status,
        filter_reason=message if filtered else None,
        filter_code=code if filtered else None,
        error=answers.JobError(code=code, message=message) if status == "failed" else None,
        attempts=attempts[0],
        next_attempt_at=utc(attempts[1]) if status == "pending" else None,
        provider=provider,
        provider_message_id=provider_message_id,
        segments=segments,
        cost=cost,
        currency=trigger.currency,
        sent_at=utc(sent_at),
        failed_at=utc(failed_at),
        filtered_at=utc(filtered_at),
        cancelled_at=ledger.cancelled_at if by_trigger else utc(cancelled_at),
        delivered_at=utc(min((at for type_, at in events.items() if type_ in IMPLY_DELIVERY), default=None)),
        delivery_failed_at=utc(events.get("failed")),
        bounced_at=utc(events.get("bounced")),
        opened_at=utc(events.get("opened")),
        clicked_at=utc(events.get("clicked")),
        read_at=utc(events.get("read")),
        replied_at=utc(events.get("replied")),
        complained_at=utc(events.get("complained")),
        unsubscribed_at=utc(events.get("unsubscribed")),
    )


def triggers(
    session: Session, heads: Heads, account: str, filters: Filters, limit: int, cursor: str | None
) -> answers.TriggerPage:
    """A page of an account's triggers."""
    facts.whole(limit, "limit", 1, 200)
    bound = ["triggers", account, filters]
    before: tuple[Any, Any] = (None, None)
    if cursor is not None:
        at, before_id = _read_cursor(cursor, bound, 2)
        before = (facts.instant(at, "cursor").replace(tzinfo=None), facts.uuid(before_id, "cursor"))
    status = filters["status"]
    asked = {name: value for name, value in filters.items() if name != "status"}
    found: list[answers.Trigger] = []
    looked_at, more = 0, True
    while more and len(found) < limit and looked_at < _LOOKED_AT:
        chunk = limit - len(found) if status is None else min(_CHUNK, _LOOKED_AT - looked_at)
        rows = session.rows(
            "triggers", account=account, **asked, before_at=before[0], before_id=before[1], limit=chunk + 1
        )
        more = len(rows) > chunk
        for row, trigger in _summaries(session, heads, account, rows[:chunk]):
            looked_at += 1
            before = (row[1], str(row[0]))
            if status in (None, trigger.status):
                found.append(trigger)
                if len(found) == limit:
                    more = more or row is not rows[-1]
                    break
    next_cursor = _cursor([facts.iso(before[0]), before[1]], bound) if more else None
    return answers.TriggerPage(
        triggers=tuple(found), pagination=answers.Page(limit=limit, next_cursor=next_cursor)
    )


def _summaries(
    session: Session, heads: Heads, account: str, rows: list[Row]
) -> list[tuple[Row, answers.Trigger]]:
    if not rows:
        return []
    ids = [str(row[0]) for row in rows]
    known = heads.triggers(session, ids)
    ledgers: dict[str, list[Row]] = {}
    for trigger_id, *row in session.rows("ledgers", account=account, trigger_ids=ids):
        ledgers.setdefault(str(trigger_id), []).append((*row, 0, None))
    return [
        (row, _derive.trigger(known[key], ledger))
        for row, key in zip(rows, ids, strict=True)
        if (ledger := Ledger.of(ledgers[key])) is not None
    ]


def _cursor(position: list[object], bound: Sequence[object]) -> str:
    return urlsafe_b64encode(json.dumps([*position, _seal([*bound, position])]).encode()).decode().rstrip("=")


def _read_cursor(cursor: str, bound: Sequence[object], parts: int) -> list[Any]:
    """The position in a cursor that was made for the same question; what its parts are is for the caller to check."""
    try:
        position: list[Any]
        *position, seal = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if len(position) == parts and seal == _seal([*bound, position]):
            return position
    except (ValueError, TypeError, RecursionError):
        pass
    raise InvalidValue("cursor", "must be the next_cursor of a page asked with the same filters")


def _seal(bound: Sequence[object]) -> str:
    return blake2b(json.dumps(list(bound), default=str).encode(), digest_size=9).hexdigest()


def shipped(name: str, parameters: Mapping[str, str]) -> dict[str, object]:
    """The values of a reading query's parameters, as the store takes them."""
    if name not in trigger_sql.readable():
        raise InvalidValue("name", f"must be one of {', '.join(trigger_sql.readable())}")
    query = trigger_sql.query(name)
    if parameters.keys() != query.parameters.keys():
        wanted = ", ".join(f"{key}=…" for key in query.parameters) or "none"
        raise InvalidValue("parameters", f"must be exactly those of {name}: {wanted}")
    for key, value in parameters.items():
        facts.text(value, key, _LONGEST, 0)
    return {
        key: None
        if value == "null"
        else [each for each in value.split(",") if each]
        if f"unnest(${key}" in query.text or f"any(${key}" in query.text
        else value
        for key, value in parameters.items()
    }
