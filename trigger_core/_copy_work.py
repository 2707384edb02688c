"""Copying what is still to be sent: the target has it for good before the source gives it up.

A job that is still to be sent names its template variant in the store that is to send it. That the target's doesn't yet
says that it wasn't handed over before; so what went over in a copy that broke off, and was perhaps sent since, doesn't
go over again. The source's doesn't any more once it gave the job up, so that it can be handed back.

Only what the facts brought goes over: a trigger that was asked for since waits for the next copy, with all that is its.
"""

from __future__ import annotations

from typing import Any, Final

from trigger_core import _copy_catalog
from trigger_core._copying import FIRST, Report, packed, pages
from trigger_core._heads import Heads
from trigger_core.errors import StoreError
from trigger_core.library import Library
from trigger_core.store import Row, Session, settled

_TRIGGERS: Final = 1000
_JOBS: Final = 100_000
_PAGE: Final = 20_000

_LEFT: Final = ("copy_dispatches", "copy_retries", "copy_scheduled_steps")
_LOCKED: Final = ("triggers_lock", "steps_lock", "work_lock")
"""What keeps workers from what is to be sent, as where it is cancelled."""
_TAKEN: Final = (
    "cancels_dispatches",
    "cancels_retries",
    "cancels_steps",
    "cancels_audiences",
    "copy_planned_forget",
)
"""What takes it off what is to be sent: a cancel does so too, but keeps what was planned."""


def check(source: Library) -> None:
    """Returns if no worker can be sending what is about to go over.

    Raises:
        StoreError: one may.
    """
    if source._workers:
        raise StoreError("a worker runs on the source: stop it first, so that nothing is sent twice")
    with source.store.read() as session:
        [(_, _, in_hand)] = session.rows("copy_totals")
    _check_claims(in_hand)


def _check_claims(in_hand: int) -> None:
    if in_hand:
        raise StoreError(
            f"a worker has {in_hand} messages in hand on the source: stop it first, it then finishes them; where it "
            "was killed, run one until it has settled what became of them"
        )


def hand_over(source: Library, target: Library, report: Report) -> int:
    """Hands over what is still to be sent, and which requests must not be carried out again; of how many triggers."""
    _copy_catalog.put_idempotency_keys(source, target)
    done = 0
    for rows in pages(source.store, "copy_at_work", 1, FIRST, _TRIGGERS):
        ids = [str(row[1]) for row in rows]
        with source.store.read() as session:
            weights: dict[str, int] = dict.fromkeys(ids, 1)
            for _, key, *_, first, last in session.rows("copy_dispatches", trigger_ids=ids):
                weights[str(key)] += last - first
        for group in packed(ids, weights.__getitem__, _JOBS):
            done += _hand_over(source, target, group)
            report("handing over", done, None)
    if done:
        target._wake_workers()
    return done


def _hand_over(source: Library, target: Library, ids: list[str]) -> int:
    with source.store.read() as session:
        with target.store.read() as there:
            ids = _brought(session, there, ids)
        if not ids:
            return 0
        left = _left(session, ids)

        def take() -> None:
            with target.store.write() as there:
                _take(session, there, left, ids)

        settled(take)
    with source.store.write() as session:
        session.append("staged_cancels", [(None, key, None) for key in ids])
        for statement in _LOCKED:
            session.guard(statement)
        if left != _left(session, ids):
            raise StoreError(
                "what is to be sent changed while it was handed over: a worker runs on the source, and both may send "
                "it; stop it, see what was sent, and copy again"
            )
        for statement in _TAKEN:
            session.run(statement)
        session.clear("staged_cancels")
    return len(ids)


def _brought(session: Session, there: Session, ids: list[str]) -> list[str]:
    """Which of some triggers the target knows, with all their executions."""
    heads = Heads()
    known = heads.triggers(there, ids).keys()
    executions = {one.execution_id for one in heads.executions_of(there, ids)}
    lacking = {
        one.trigger_id for one in heads.executions_of(session, ids) if one.execution_id not in executions
    }
    return [key for key in ids if key in known - lacking]


def _left(session: Session, ids: list[str]) -> dict[str, list[Row]]:
    """What is to be sent of some triggers, by query.

    Raises:
        StoreError: a worker has some of it in hand.
    """
    [(in_hand,)] = session.rows("copy_in_hand", trigger_ids=ids)
    _check_claims(in_hand)
    return {query: session.rows(query, trigger_ids=ids) for query in _LEFT}


def _take(session: Session, there: Session, left: dict[str, list[Row]], ids: list[str]) -> None:
    """Lays out what is to be sent in the target, as far as it is new there."""
    dispatches, retries, steps = (left[query] for query in _LEFT)
    for account, trigger_id, execution_id in dict.fromkeys(row[:3] for row in [*dispatches, *retries]):
        named = {"account": account, "trigger_id": str(trigger_id), "execution_id": str(execution_id)}
        after = 0
        while rows := session.rows("copy_planned", **named, after=after, limit=_PAGE):
            there.append("staged_planned", rows)
            after = rows[-1][3]
    new = {execution_id for _, execution_id in there.rows("copy_planned_new")}
    there.run("copy_planned_put")
    there.clear("staged_planned")
    cancelled = {key for key, _ in there.rows("copy_cancelled", trigger_ids=ids)}
    _add(there, "dispatches", [row for row in dispatches if row[2] in new and row[1] not in cancelled])
    _add(there, "retries", [row for row in retries if row[2] in new and row[1] not in cancelled])
    begun = {(row[1], row[4] or row[3]) for row in there.rows("copy_executions", trigger_ids=ids)}
    begun |= {(row[1], row[3] or row[4]) for row in there.rows("copy_scheduled_steps", trigger_ids=ids)}
    steps = [row for row in steps if row[1] not in cancelled and (row[1], row[3] or row[4]) not in begun]
    _add(there, "scheduled_steps", steps)
    for account, trigger_id in dict.fromkeys(row[:2] for row in steps):
        _take_audience(session, there, {"account": account, "trigger_id": str(trigger_id)})
    known = {row[1] for row in there.rows("copy_variables", trigger_ids=ids)}
    variables = session.rows("copy_variables", trigger_ids=ids)
    _add(there, "trigger_variables", [row for row in variables if row[1] not in known])


def _take_audience(session: Session, there: Session, named: dict[str, Any]) -> None:
    if there.rows("copy_audience", **named, after=-1, limit=1):
        return
    after = -1
    while rows := session.rows("copy_audience", **named, after=after, limit=_PAGE):
        there.append("audiences", rows)
        after = rows[-1][2]


def _add(session: Session, table: str, rows: list[Row]) -> None:
    if rows:
        session.append(table, rows)
