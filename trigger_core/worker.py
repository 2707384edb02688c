"""The worker: sends what is due, and records what became of it.

>>> import trigger_core
>>> from datetime import timedelta
>>> from trigger_core.catalog import Contact, Template, TemplateVariant
>>> from trigger_core.sending import Send
>>> from trigger_sandbox import SandboxSender
>>> with trigger_core.open(":memory:") as library:
...     catalog = library.catalog
...     code = TemplateVariant(approved=True, text="Your code is {{code}}", price="0.03")
...     stored = catalog.put("acme", Template(key="otp", channel="sms", currency="USD", variants=[code]))
...     stored = catalog.put("acme", Contact(external_id="user_123", phone_number="+14155550123"))
...     request = Send(channel="sms", template_key="otp", contact_external_id="user_123", variables={"code": 7})
...     receipt = library.send("acme", request)
...     with Worker(library, {"sms": SandboxSender("sms")}) as worker:
...         sent = worker.turn()
...     library.direct("acme", receipt.trigger_id).execution.sent_count
1
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random
from threading import Condition, Event, Thread
from time import monotonic, sleep
from types import TracebackType
from typing import Final, Self

from trigger_core import _dispatch
from trigger_core._dispatch import IN_DOUBT, Claim, Patience, Rate
from trigger_core._ids import new_id
from trigger_core._rows import naive
from trigger_core.errors import (
    FactsRefused,
    InvalidValue,
    StoreClosed,
    StoreForked,
    StoreInDoubt,
    StoreUnavailable,
    TriggerCoreError,
)
from trigger_core.facts import CHANNELS, text, whole
from trigger_core.facts import Event as Report
from trigger_core.library import Library
from trigger_core.senders import Result, Sender

__all__ = ["Patience", "Worker"]

_LOG: Final = logging.getLogger("trigger_core.worker")

_POLL: Final = 0.25
"""Seconds after which a worker asks its senders for events, and looks at the clock."""

_REST: Final = 60.0
"""Seconds after which it asks the store, though nobody told it of anything and nothing known has fallen due."""

_SHARED_REST: Final = 1.0
"""The same where other processes may write to the store: they tell it of nothing."""

_PUT_OFF: Final = timedelta(minutes=5)
"""When a step of a workflow is tried again that could not be planned."""

_TRIES: Final = 40
"""How often recording is tried by hand, or when the worker is to stop."""

_MANY: Final = 100
"""So many events at once mean that there are more."""

_STEPS: Final = 100
"""How many steps of workflows are planned in one transaction."""


_GONE: Final = (StoreUnavailable, StoreClosed, StoreForked)
"""The store is, so nothing else can be done."""


class Worker:
    """Sends what the library planned, each message once; several workers of one store share the work.

    Use it as a context manager. ``start`` has threads do the work until ``stop``; ``turn`` does a batch of what is due
    now on each channel and returns, which is how tests travel in time, by the library's clock.

    Args:
        library: where the work is.
        senders: who sends on which channel. Of other channels nothing is claimed.
        rates: how many messages a second are handed over at most, by channel. What is used of it is kept in the store,
            so that workers who are given the same rate share it.
        patience: how often and how long a message is tried.
        lease: after this time without a sign of life others may take over what a worker has in hand. Whatever a
            process had in hand when it was killed is taken over at once where no other process can use the store.
        seed: of the chance in pauses between attempts.

    Raises:
        InvalidValue: there is no such channel, a rate is not finite and above 0, the lease is not above 0, or a
            sender's ``provider`` or ``most`` can't be.
    """

    def __init__(
        self,
        library: Library,
        senders: Mapping[str, Sender],
        *,
        rates: Mapping[str, float] | None = None,
        patience: Patience | None = None,
        lease: timedelta = timedelta(minutes=1),
        seed: object = None,
    ) -> None:
        for name in [*senders, *(rates or {})]:
            if name not in CHANNELS:
                raise InvalidValue("senders", f"must be for {', '.join(CHANNELS)}, not for {name}")
        for name, rate in (rates or {}).items():
            if not 0 < rate < math.inf:
                raise InvalidValue(f"rates.{name}", "must be above 0 messages a second, and finite")
        for channel, sender in senders.items():
            text(sender.provider, f"senders.{channel}.provider", 200)
            whole(sender.most, f"senders.{channel}.most", 1)
        if lease <= timedelta(0):
            raise InvalidValue("lease", "must be above 0")
        self.worker_id = new_id()
        self._library = library
        self._senders = dict(senders)
        self._rates = {channel: Rate(rate) for channel, rate in (rates or {}).items()}
        self._patience = patience or Patience()
        self._lease = lease
        self._dice = Random(seed)  # type: ignore[arg-type]  # noqa: S311  no secret depends on it
        self._texts = _dispatch.Texts()
        self._stopping = Event()
        self._news = Condition()
        self._serial = 0
        self._in_hand: set[str] = set()
        self._told: dict[str, Sequence[Report]] = {}
        self._threads: list[Thread] = []
        rest = _REST if library.store.sees_every_write else _SHARED_REST
        self._watches = {place: _Watch(rest) for place in (None, *senders)}
        self._register()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # By hand

    def turn(self) -> int:
        """Does what is due now: plans steps of workflows, sends a batch on each channel, records what was reported.

        Returns:
            How much was done; 0 where nothing was due.

        Raises:
            StoreUnavailable: the store can't answer now; whatever was sent is in hand still, and taken up again.
        """
        self._register()
        done = self._plan()
        for channel in self._senders:
            done += self._send(channel) + self._events(channel)
        return done

    # In threads

    def start(self) -> None:
        """Has a thread for each channel do the work, one plan what becomes due, and one keep the claims."""
        if self._threads:
            return
        self._register()
        self._stopping.clear()
        works = [self._work_ahead, *(partial(self._work, channel) for channel in self._senders)]
        self._threads = [Thread(target=self._loop, args=(work,), daemon=True) for work in works]
        self._threads.append(Thread(target=self._keep, daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends the work and closes the senders; what is in hand is finished first, and what was reported recorded."""
        self._stopping.set()
        self._wake()
        for thread in self._threads:
            thread.join()
        self._threads = []
        self._library._workers.pop(self.worker_id, None)
        self._library._wake_workers()  # whatever it would have tried again is theirs
        for channel, sender in self._senders.items():
            self._last_events(channel)
            try:
                sender.close()
            except Exception as error:
                _LOG.warning("the sender for %s failed to close: %s", channel, type(error).__name__)

    def _register(self) -> None:
        """Says that this worker is there, so that no other one takes over what it has in hand."""
        self._library._workers[self.worker_id] = self._wake

    def _work_ahead(self) -> bool:
        """Plans, where that may be due; whether there may be more."""
        return self._watches[None].is_over(self._serial, self._now()) and self._plan() > 0

    def _work(self, channel: str) -> bool:
        """Sends, where that may be due; whether there may be more to do.

        A few events that trickle in are better recorded together, after a pause.
        """
        over = self._watches[channel].is_over(self._serial, self._now())
        sent, told = self._send(channel) if over else 0, self._events(channel)
        return sent > 0 or told >= _MANY

    def _loop(self, work: Callable[[], bool]) -> None:
        while not self._stopping.is_set():
            serial = self._serial
            try:
                self._library.store.check()
                done = work()
            except (StoreClosed, StoreForked) as error:
                _LOG.warning("work ends: %s", type(error).__name__)
                return
            except TriggerCoreError as error:
                _LOG.warning("work failed and is taken up again: %s", type(error).__name__)
                done = False
            except Exception as error:  # a defect: what else there is to do still has to be done
                _LOG.error("work failed unforeseen and is taken up again: %s", type(error).__name__)
                done = False
            if not done:
                with self._news:
                    self._news.wait_for(lambda: self._stopping.is_set() or self._serial != serial, _POLL)  # noqa: B023

    def _wake(self) -> None:
        """Has waiting threads look for work."""
        with self._news:
            self._serial += 1
            self._news.notify_all()

    def _keep(self) -> None:
        """Says, while senders take their time, that this worker is there."""
        while not self._stopping.wait(self._lease.total_seconds() / 4):
            try:
                if claims := list(self._in_hand):
                    mine = {"worker_id": self.worker_id, "expires_at": naive(self._now() + self._lease)}
                    with self._library.store.write() as session:
                        session.run("dispatch_renew", claim_ids=claims, **mine)
            except Exception as error:
                _LOG.warning("claims could not be renewed: %s", type(error).__name__)

    # What is done

    def _now(self) -> datetime:
        return self._library._now()

    def _plan(self) -> int:
        """Plans what is due of workflows; how many steps that were."""
        serial, now = self._serial, self._now()
        with self._library.store.read() as session:
            [(due_at,)] = session.rows("dispatch_steps_next")
            if due_at is None or due_at > naive(now):
                self._watches[None].rest(serial, due_at)
                return 0
            runs = session.rows("dispatch_steps_runs", now=naive(now), limit=_STEPS)
        try:
            return self._library._plan_due(_STEPS)
        except _GONE:
            raise
        except Exception:
            return sum(self._plan_alone(trigger_id) for (trigger_id,) in runs)

    def _plan_alone(self, trigger_id: str) -> int:
        """Plans what is due of one run; what can't be, for whatever reason, is put off and holds up nobody."""
        try:
            return self._library._plan_due(_STEPS, trigger_id)
        except _GONE:
            raise
        except Exception as error:
            _LOG.error(
                "a step of %s could not be planned and is put off: %s", trigger_id, type(error).__name__
            )
            now = self._now()
            times = {"now": naive(now), "due_at": naive(now + _PUT_OFF)}
            with self._library.store.write() as session:
                session.run("dispatch_steps_put_off", trigger_id=trigger_id, **times)
            return 0

    def _send(self, channel: str) -> int:
        """Sends a batch; how many messages that were."""
        sender, watch = self._senders[channel], self._watches[channel]
        while True:
            serial, now = self._serial, self._now()
            with self._library.store.read() as session:
                asked = {"channel": channel, "workers": self._others()}
                [(due_at, lost_at)] = session.rows("dispatch_next", **asked)
            if lost_at is not None and lost_at <= naive(now):
                claim = self._take_over(channel, sender)
                if claim is not None and claim.jobs and not sender.idempotent:
                    self._settle(sender, claim, [IN_DOUBT] * len(claim.jobs))
                    return len(claim.jobs)
            elif due_at is not None and due_at <= naive(now):
                claim = self._claim(channel, sender)
            else:
                watch.rest(serial, due_at, lost_at)
                return 0
            if claim is None:
                return 0
            if claim.jobs:
                break
            if self._stopping.is_set():
                return 0
        self._in_hand.add(claim.claim_id)
        try:
            self._hand_over(channel, sender, claim)
        finally:
            self._in_hand.discard(claim.claim_id)
        return len(claim.jobs)

    def _hand_over(self, channel: str, sender: Sender, claim: Claim) -> None:
        try:
            results, wrong = _dispatch.usable(sender.send(claim.messages), len(claim.messages))
        except Exception as error:
            _LOG.warning("the sender for %s failed: %s", channel, type(error).__name__)
            failures = claim.failures + 1
            due_at = self._now() + self._patience.pause_after(failures, self._dice)
            is_late = naive(due_at) > claim.dead_at
            if sender.idempotent and failures < self._patience.attempts and not is_late:
                # the claim is kept: the same messages are handed over again when its time has run out
                self._in_hand.discard(claim.claim_id)
                mine = {"claim_id": claim.claim_id, "worker_id": self.worker_id, "expires_at": naive(due_at)}
                with self._library.store.write() as session:
                    session.run("dispatch_failed", **mine)
                return
            results, wrong = [IN_DOUBT] * len(claim.messages), set()
        if wrong:
            _LOG.warning(
                "the sender for %s said what can't be recorded: %s", channel, ", ".join(sorted(wrong))
            )
        self._settle(sender, claim, results)

    def _take_over(self, channel: str, sender: Sender) -> Claim | None:
        """A claim whose worker is gone, an empty one if there is none any more; None where the rate allows none now."""
        rate = self._rates.get(channel) if sender.idempotent else None
        with self._library.store.write() as session:
            now = self._now()  # it may have waited
            if rate is not None and not rate.available(session, channel, now):
                return None
            others = self._others()  # anew: one that came since may have made a claim
            claim = _dispatch.take_over(
                session, self._texts, self.worker_id, channel, others, now, now + self._lease
            )
            if rate is not None:
                # all of it is handed over at once, so the next ones wait until it is made up for
                session.run("dispatch_rate_take", channel=channel, messages=len(claim.jobs))
            return claim

    def _others(self) -> list[str] | None:
        """The workers that are there; None where there may be others elsewhere."""
        return list(self._library._workers) if self._library.store.sees_every_write else None

    def _claim(self, channel: str, sender: Sender) -> Claim | None:
        """Claims a batch of what is due, which may turn out to be nothing.

        None where the rate allows none now, or others hold what is due.
        """
        rate = self._rates.get(channel)
        claim = None
        with self._library._forgetting() as touched:
            try:
                with self._library.store.write() as session:
                    now = self._now()  # it may have waited
                    most = sender.most
                    if rate is not None:
                        most = min(most, rate.available(session, channel, now))
                    if most == 0:
                        return None
                    claim = _dispatch.claim(
                        session,
                        self._texts,
                        self.worker_id,
                        channel,
                        most,
                        now,
                        now + self._lease,
                        self._patience,
                    )
                    if claim is None:
                        return None
                    touched.update(claim.touched)
                    if rate is not None:
                        session.run("dispatch_rate_take", channel=channel, messages=len(claim.jobs))
            except StoreInDoubt:
                if claim is None or not self._has(claim):
                    raise
        return claim

    def _has(self, claim: Claim) -> bool:
        """Whether a claim was recorded of which that isn't known; the store is asked until it says so.

        Otherwise its messages would end in doubt, though no sender had them.
        """
        while True:
            expires_at = naive(self._now() + self._lease)
            try:
                with self._library.store.write() as session:
                    mine = {"worker_id": self.worker_id, "expires_at": expires_at}
                    session.run("dispatch_renew", claim_ids=[claim.claim_id], **mine)
                    [(is_held,)] = session.rows(
                        "dispatch_held", claim_id=claim.claim_id, worker_id=self.worker_id
                    )
                return bool(is_held)
            except StoreUnavailable:
                if self._stopping.is_set() or not self._threads:
                    raise
                sleep(_POLL)

    def _settle(self, sender: Sender, claim: Claim, results: Sequence[Result]) -> None:
        """Records what became of a claim, however often the store has to be asked; at the end not for ever."""
        tries, now = 0, self._now()
        while True:
            try:
                with self._library._forgetting() as touched, self._library.store.write() as session:
                    touched.update(row[1] for row in claim.jobs)
                    _dispatch.settle(
                        session,
                        self.worker_id,
                        sender.provider,
                        claim,
                        results,
                        now,
                        self._patience,
                        self._dice,
                    )
                break
            except StoreUnavailable:
                tries += 1
                if tries >= _TRIES and (self._stopping.is_set() or not self._threads):
                    raise
                sleep(_POLL)

    def _events(self, channel: str) -> int:
        """Records what the sender was told since; what could not be recorded is kept for the next time."""
        events = self._told.pop(channel, ())
        if not events:
            try:
                events = self._senders[channel].events()
            except Exception as error:
                _LOG.warning("the sender for %s failed to report: %s", channel, type(error).__name__)
                return 0
        if not events:
            return 0
        try:
            self._library.record(events)
        except FactsRefused as refused:
            wrong = {error.row for error in refused.errors}
            _LOG.warning("the sender for %s reported what can't be recorded: %d events", channel, len(wrong))
            self._told[channel] = [event for row, event in enumerate(events) if row not in wrong]
            return len(self._told[channel])
        except BaseException:
            self._told[channel] = events
            raise
        return len(events)

    def _last_events(self, channel: str) -> None:
        """Records all that the sender was told until now; where the store can't be asked, not for ever."""
        for _ in range(_TRIES):
            try:
                if not self._events(channel):
                    return
            except StoreUnavailable:
                sleep(_POLL)
            except TriggerCoreError as error:
                _LOG.warning(
                    "what was reported on %s could not be recorded: %s", channel, type(error).__name__
                )
                return
        _LOG.warning("not all that was reported on %s could be recorded", channel)


class _Watch:
    """When to ask the store for work again: at news, when something falls due, or after a while.

    Args:
        longest: the while, in seconds.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._serial = -1
        self._due_at: datetime | None = None
        self._until = 0.0

    def rest(self, serial: int, *due_at: datetime | None) -> None:
        """There is nothing to do before one of these times, as far as was known at that serial number of news."""
        self._due_at = min((time for time in due_at if time is not None), default=None)
        self._until = monotonic() + self._longest
        self._serial = serial

    def is_over(self, serial: int, now: datetime) -> bool:
        """Whether the rest is over."""
        is_due = self._due_at is not None and self._due_at <= naive(now)
        return serial != self._serial or is_due or monotonic() >= self._until
