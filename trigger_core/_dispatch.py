"""What workers have in hand: claims, and what becomes of them.

A claim is durable before its messages are handed to a sender, and ends in the transaction that records what became of
them. So after a crash it is known which messages are in doubt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from random import Random
from typing import Any, Final

from attrs import evolve, frozen

from trigger_core._heads import Cache
from trigger_core._ids import new_id
from trigger_core._record import APPLIED, apply_attempts, apply_events, apply_outcomes
from trigger_core._rows import naive
from trigger_core.errors import InvalidValue, StoreError
from trigger_core.facts import MOST_SEGMENTS, UNSTORABLE, money, text, whole
from trigger_core.senders import Accepted, Message, Rejected, Result, is_html
from trigger_core.store import Row, Session

_VARIABLE: Final = re.compile(r"\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}")
_STAGED: Final = (
    "staged_results",
    "staged_places",
    "staged_attempts",
    "changed_attempts",
    "staged_outcomes",
    *APPLIED,
)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_MOST_SECONDS: Final = 2**31 - 1
_PORTION: Final = 0.25

IN_DOUBT: Final = Rejected(
    code="in_doubt", message="The sender stopped before it said whether the message was taken"
)
_OPTED_OUT: Final = ("opted_out", "Contact opted out of this channel")
"""As ``plan_jobs`` has it."""


@frozen
class Patience:
    """How often and how long a message is tried.

    Attributes:
        attempts: how often at most.
        pause: the time before the second attempt, which doubles with each further one, up to an hour; half of it
            less or more, by chance.
        limit: nothing is tried again later than this after the first attempt, which is made however late it is. A
            batch whose sender fails is given up when the first of its messages would be tried too late.

    Raises:
        InvalidValue: there is to be no attempt, or a time is not above 0.
    """

    attempts: int = 5
    pause: timedelta = timedelta(seconds=30)
    limit: timedelta = timedelta(days=1)

    def __attrs_post_init__(self) -> None:
        whole(self.attempts, "attempts", 1)
        for name in ("pause", "limit"):
            if getattr(self, name) <= timedelta(0):
                raise InvalidValue(name, "must be above 0")

    def pause_after(self, n: int, dice: Random) -> timedelta:
        """How long to wait after the nth attempt."""
        times: int = 2 ** min(n - 1, 30)
        longest = self.pause >= _LONGEST_PAUSE / times
        return (_LONGEST_PAUSE if longest else self.pause * times) * dice.uniform(0.5, 1.5)

    def next_attempt(self, n: int, now: datetime, dead_at: datetime, dice: Random) -> datetime | None:
        """When the attempt after the nth is due, if there is to be one."""
        if n >= self.attempts:
            return None
        due_at = now + self.pause_after(n, dice)
        due_at = due_at.replace(microsecond=due_at.microsecond // 1000 * 1000)
        return due_at if due_at <= dead_at else None


@frozen
class Claim:
    """Jobs that a worker has in hand, and the message to each.

    Attributes:
        left: jobs that were claimed and are not sent: their contacts have opted out by now, or it is too late for
            another attempt.
        failures: how often the sender failed when it was handed the messages.
    """

    claim_id: str
    jobs: Sequence[Row]
    messages: Sequence[Message]
    left: Sequence[Row] = ()
    failures: int = 0

    @property
    def touched(self) -> set[str]:
        """The triggers that this is about."""
        return {row[1] for jobs in (self.jobs, self.left) for row in jobs}

    @property
    def dead_at(self) -> datetime:
        """After when some of its messages are not tried again."""
        earliest: datetime = min(row[5] for row in self.jobs)
        return earliest


@frozen
class Rate:
    """A limit: what was not used of a second is kept, a second's worth at most (a token bucket).

    It holds for all workers of a store that are given it, and is given out in portions of a quarter of a second's worth
    or more: each is a batch, with transactions of its own.

    Attributes:
        per_second: how many messages a second.
    """

    per_second: float

    def available(self, session: Session, channel: str, now: datetime) -> int:
        """How many messages may go now, in a write transaction."""
        most = max(1.0, self.per_second)
        asked = {"channel": channel, "rate": self.per_second, "most": most, "now": naive(now)}
        [(tokens,)] = session.rows("dispatch_rate", **asked)
        return int(tokens) if tokens >= max(1.0, self.per_second * _PORTION) else 0


@frozen
class Variant:
    """A template variant's texts, cut at their variables: what stands between them, and their names."""

    subject: tuple[str, ...] | None
    text: tuple[str, ...]
    is_html: bool

    def is_plain(self) -> bool:
        """Whether the text is the same for everybody."""
        return len(self.text) == 1 and (self.subject is None or len(self.subject) == 1)


class Texts:
    """The texts of template variants, which never change."""

    def __init__(self) -> None:
        self._variants: Cache[Variant] = Cache(1000)

    def of(self, session: Session, jobs: Sequence[Row]) -> dict[str, Variant]:
        """The variants of some jobs, by id."""
        ids = {row[8] for row in jobs}
        found = {key: kept for key in ids if (kept := self._variants.get(key)) is not None}
        if missing := sorted(ids - found.keys()):
            for key, subject, text in session.rows("dispatch_variants", variant_ids=missing):
                parts = tuple(_VARIABLE.split(text))
                variant = Variant(subject and tuple(_VARIABLE.split(subject)), parts, is_html(parts[0]))
                found[key] = variant
                self._variants.put(key, variant)
        return found


def messages(jobs: Sequence[Row], channel: str, variants: dict[str, Variant]) -> list[Message]:
    """The message to each job of a claim."""
    found = []
    for account, _, execution_id, job_id, n, _, contact, address, variant_id, attributes, given, _ in jobs:
        variant = variants[variant_id]
        values = {} if variant.is_plain() else {**_values(attributes), **_values(given)}
        as_html = channel == "email" and variant.is_html
        found.append(
            Message(
                token=f"{execution_id}:{job_id}:{n}",
                channel=channel,
                account=account,
                contact=contact,
                address=address,
                text=_filled(variant.text, values, as_html=as_html),
                subject=None if variant.subject is None else _filled(variant.subject, values),
            )
        )
    return found


def _values(text: str | None) -> dict[str, str]:
    """The texts that a JSON object has for variables; numbers stay as they are written."""
    if text is None:
        return {}
    values = json.loads(text, parse_int=str, parse_float=str)
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in values.items()}


def _filled(parts: Sequence[str], values: dict[str, str], *, as_html: bool = False) -> str:
    if len(parts) == 1:
        return parts[0]
    if as_html:
        values = {name: escape(value) for name, value in values.items()}
    return "".join(values.get(part, "") if place % 2 else part for place, part in enumerate(parts))


def claim(
    session: Session,
    texts: Texts,
    worker_id: str,
    channel: str,
    most: int,
    now: datetime,
    expires_at: datetime,
    patience: Patience,
) -> Claim | None:
    """Claims what is due on a channel, in a write transaction; nothing, where whatever was due has an outcome.

    None where others hold all that is due.
    """
    claim_id = new_id()
    asked: dict[str, Any] = {
        "claim_id": claim_id,
        "worker_id": worker_id,
        "channel": channel,
        "now": naive(now),
        "expires_at": naive(expires_at),
    }
    # the odd one is now this kind's, now that one's: where one message goes at a time, neither waits for good
    half, other_half = (most + int(claim_id[-1], 16) % 2) // 2, (most + int(claim_id[-2], 16) % 2) // 2
    session.run("dispatch_claim_retries", **asked, most=most, share=half)
    session.run("dispatch_retries_claimed", claim_id=claim_id)
    [(retried,)] = session.rows("dispatch_claimed", claim_id=claim_id)
    if retried < most:
        session.run(
            "dispatch_claim",
            **asked,
            most=most - retried,
            large=min(other_half, most - retried),
            patience=min(int(patience.limit.total_seconds()), _MOST_SECONDS),
        )
        session.run("dispatch_advance", claim_id=claim_id)
        session.run("dispatch_done", claim_id=claim_id)
        session.run("dispatch_started", claim_id=claim_id, now=naive(now))
        session.guard("executions_lock")
        session.run("execution_facts_tally")
        session.run("execution_facts_update")
        session.clear("staged_executions")
    jobs = session.rows("dispatch_jobs", claim_id=claim_id, channel=channel)
    if not jobs and retried < most:
        [(claimed,)] = session.rows("dispatch_claimed", claim_id=claim_id)
        if not claimed:
            return None
        session.run("dispatch_skip", claim_id=claim_id)
        session.run("dispatch_done", claim_id=claim_id)
    late = session.rows("dispatch_late", claim_id=claim_id, now=naive(now)) if retried else ()
    ended: dict[Row, tuple[object, ...]] = {row[:4]: ("failed", *row[4:]) for row in late}
    ended |= {row[:4]: ("filtered", *_OPTED_OUT, None) for row in jobs if row[11]}
    if ended:
        _end(session, ended, naive(now))
    left = [row for row in jobs if row[:4] in ended]
    jobs = [row for row in jobs if row[:4] not in ended]
    return _claimed(session, texts, claim_id, channel, jobs, left)


def _end(session: Session, outcomes: Mapping[Row, tuple[object, ...]], at: datetime) -> None:
    """Records what becomes of jobs that are not sent: outcome, code, message and provider by their keys."""
    places = {place: number for number, place in enumerate(dict.fromkeys(job[:3] for job in outcomes))}
    session.append("staged_places", [(*place, number) for place, number in places.items()])
    found = [
        (0, places[job[:3]], job[3], outcome, at, None, *said, *(None,) * 3)
        for job, (outcome, *said) in outcomes.items()
    ]
    session.append("staged_outcomes", found)
    session.guard("jobs_lock")
    _apply_outcomes(session)
    session.clear("staged_places", "staged_outcomes", *APPLIED)


def _apply_outcomes(session: Session) -> None:
    if not apply_outcomes(session):
        raise StoreError("a job that a worker has in hand is not recorded; nothing was recorded")


def _claimed(
    session: Session,
    texts: Texts,
    claim_id: str,
    channel: str,
    jobs: Sequence[Row],
    left: Sequence[Row] = (),
) -> Claim:
    if not jobs:
        session.run("dispatch_release", claim_id=claim_id)
    return Claim(claim_id, jobs, messages(jobs, channel, texts.of(session, jobs)), left)


def take_over(
    session: Session,
    texts: Texts,
    worker_id: str,
    channel: str,
    workers: Sequence[str] | None,
    now: datetime,
    expires_at: datetime,
) -> Claim:
    """Takes a claim over whose worker is gone, in a write transaction; an empty one if there is none.

    Who opted out since isn't looked at: the sender may have taken the message already.
    """
    gone = {"now": naive(now), "workers": workers}
    rows = session.rows("dispatch_lost", channel=channel, **gone)
    if not rows:
        return Claim("", (), ())
    [(claim_id,)] = rows
    taken = {"claim_id": claim_id, "worker_id": worker_id, "expires_at": naive(expires_at)}
    parts = session.rows("dispatch_take_over", **taken, **gone)
    if not parts:
        return Claim("", (), ())
    jobs = session.rows("dispatch_jobs", claim_id=claim_id, channel=channel)
    return evolve(_claimed(session, texts, claim_id, channel, jobs), failures=parts[0][0])


def usable(said: Iterable[Result], expected: int) -> tuple[list[Result], set[str]]:
    """What a sender said, as far as it can be recorded, and the names of what can't.

    What is wrong of an accepted message is as if the sender hadn't said it: the message was taken all the same. What is
    wrong of a rejected one is cut or replaced.

    Raises:
        ValueError: these aren't so many results.
    """
    found: list[Result] = []
    wrong: set[str] = set()
    for result in said:
        if isinstance(result, Accepted):
            found.append(_usable_accepted(result, wrong))
        elif isinstance(result, Rejected):
            found.append(_usable_rejected(result, wrong))
        else:
            raise ValueError(f"{type(result).__name__} is no result")
    if len(found) != expected:
        raise ValueError(f"{len(found)} results for {expected} messages")
    return found, wrong


def _usable_accepted(result: Accepted, wrong: set[str]) -> Accepted:
    changes: dict[str, Any] = {}
    for name, check, bounds in _ACCEPTED:
        value = getattr(result, name)
        if value is not None:
            try:
                if (kept := check(value, name, *bounds)) is not value:
                    changes[name] = kept
            except InvalidValue:
                changes[name] = None
                wrong.add(name)
    return evolve(result, **changes) if changes else result


def _usable_rejected(result: Rejected, wrong: set[str]) -> Rejected:
    changes: dict[str, Any] = {}
    for name, most, instead in (("code", 200, "unknown"), ("message", 1000, "")):
        value = getattr(result, name)
        kept = UNSTORABLE.sub("\ufffd", value[:most]) if isinstance(value, str) else ""
        if (kept := kept or instead) != value:
            changes[name] = kept
            wrong.add(name)
    return evolve(result, **changes) if changes else result


_ACCEPTED: Final[Sequence[tuple[str, Callable[..., Any], tuple[int, ...]]]] = (
    ("provider_message_id", text, (1000,)),
    ("segments", whole, (0, MOST_SEGMENTS)),
    ("cost", money, ()),
)
"""What may be said of an accepted message, as an outcome has it."""


def settle(
    session: Session,
    worker_id: str,
    provider: str,
    claim: Claim,
    results: Sequence[Result],
    now: datetime,
    patience: Patience,
    dice: Random,
) -> None:
    """Records what became of a claim's messages, and ends it, in a write transaction."""
    at = naive(now)
    session.append("staged_results", _rows(claim, results, at, patience, dice))
    places = dict.fromkeys(row[:3] for row in claim.jobs)
    session.append("staged_places", [(*key, place) for place, key in enumerate(places)])
    session.run("results_messages", provider=provider)
    session.run("results_attempts", now=at, provider=provider)
    session.guard("arrivals_lock")
    session.guard("claim_lock", claim_id=claim.claim_id)
    session.guard("jobs_lock")
    [(is_held,)] = session.rows("dispatch_held", claim_id=claim.claim_id, worker_id=worker_id)
    apply_attempts(session)
    named = sum(isinstance(result, Accepted) and result.provider_message_id is not None for result in results)
    if sum(kept for (kept,) in session.rows("messages_insert")) < named:
        session.run("results_messages_taken", provider=provider)
    session.clear("named_messages")  # the outcomes name them from now on
    # a claim that is another worker's by now is for that one to end; what was taken was taken all the same
    session.run("results_outcomes", now=at, provider=provider, is_held=is_held)
    _apply_outcomes(session)
    if named:
        _unpark(session)
    if is_held:
        session.run("dispatch_retry", claim_id=claim.claim_id)
        session.run("dispatch_claimed_tally", claim_id=claim.claim_id)
        session.run("dispatch_release", claim_id=claim.claim_id)
    session.clear(*_STAGED)


def _unpark(session: Session) -> None:
    """Applies events that were reported before what they are about was recorded, if any are parked."""
    if session.rows("parked_any"):
        session.run("unpark_by_message")
        session.run("unparked_by_message")
        apply_events(session)
        session.clear("staged_events", "changed_events")


def _rows(
    claim: Claim, results: Sequence[Result], at: datetime, patience: Patience, dice: Random
) -> list[Row]:
    """Rows of ``staged_results``."""
    rows: list[Row] = []
    for job, result in zip(claim.jobs, results, strict=True):
        place = job[2:5]
        if isinstance(result, Accepted):
            rows.append((*place, result.provider_message_id, result.segments, result.cost, None, None, None))
        else:
            next_at = patience.next_attempt(job[4], at, job[5], dice) if result.retry else None
            rows.append((*place, None, None, None, result.code, result.message, next_at))
    return rows
