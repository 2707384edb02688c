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
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from random import Random
from threading import Condition, Event, Thread
from types import TracebackType
from typing import Final, Self

from trigger_core import _dispatch
from trigger_core._dispatch import IN_DOUBT, Claim, Patience
from trigger_core._ids import new_id
from trigger_core.errors import InvalidValue, StoreUnavailable, TriggerCoreError
from trigger_core.facts import CHANNELS
from trigger_core.facts import Event as Fact
from trigger_core.library import Library
from trigger_core.senders import Result, Sender

__all__ = ["Patience", "Worker"]

_LOG: Final = logging.getLogger("trigger_core.worker")

_POLL: Final = 0.25
"""Seconds after which a worker looks again, though nobody told it of anything."""

_MANY: Final = 100
"""So many events at once mean that there are more."""

_STEPS: Final = 100
"""How many steps of workflows are planned in one transaction."""


class Worker:
    """Sends what the library planned, each message once; several workers of one store share the work.

    Use it as a context manager. ``start`` has threads do the work until ``stop``; ``turn`` does what is due now and
    returns, which is how tests travel in time, by the library's clock.

    Args:
        library: where the work is.
        senders: who sends on which channel. Of other channels nothing is claimed.
        rates: how many messages a second at most, by channel.
        patience: how often and how long a message is tried.
        lease: after this time without a sign of life others may take over what a worker has in hand. Whatever a
            process had in hand when it was killed is taken over at once where no other process can use the store.
        seed: of the chance in pauses between attempts.

    Raises:
        InvalidValue: there is no such channel, or a rate is not above 0, or not finite.
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
        self.worker_id = new_id()
        self._library = library
        self._senders = dict(senders)
        self._buckets = {channel: _Bucket(rate) for channel, rate in (rates or {}).items()}
        self._patience = patience or Patience()
        self._lease = lease
        self._dice = Random(seed)  # type: ignore[arg-type]  # noqa: S311  no secret depends on it
        self._texts = _dispatch.Texts()
        self._stopping = Event()
        self._news = Condition()
        self._serial = 0
        self._in_hand: dict[str, str] = {}
        self._reported: dict[str, Sequence[Fact]] = {}
        self._threads: list[Thread] = []
        library._workers[self.worker_id] = self._wake

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
        done = self._plan()
        for channel in self._senders:
            done += self._send(channel) + self._events(channel)
        return done

    # In threads

    def start(self) -> None:
        """Has a thread for each channel do the work, one plan what becomes due, and one keep the claims."""
        self._stopping.clear()
        works = [self._plan, *(partial(self._work, channel) for channel in self._senders)]
        self._threads = [Thread(target=self._loop, args=(work,), daemon=True) for work in works]
        self._threads.append(Thread(target=self._keep, daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends the work; batches in hand are finished and recorded first. The senders are closed."""
        self._stopping.set()
        self._wake()
        for thread in self._threads:
            thread.join()
        self._threads = []
        self._library._workers.pop(self.worker_id, None)
        for sender in self._senders.values():
            sender.close()

    def _work(self, channel: str) -> bool:
        """Whether there is more to do: a few events that trickle in are better recorded together, after a pause."""
        sent, told = self._send(channel), self._events(channel)
        return sent > 0 or told >= _MANY

    def _loop(self, work: Callable[[], int]) -> None:
        while not self._stopping.is_set():
            serial = self._serial
            try:
                done = work()
            except Exception as error:  # whatever it is, it must not end a channel for good
                _LOG.warning("work failed and is taken up again: %s", type(error).__name__)
                done = 0
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
            if claims := list(self._in_hand):
                with suppress(TriggerCoreError), self._library.store.write() as session:
                    session.run(
                        "dispatch_renew",
                        claim_ids=claims,
                        expires_at=(self._now() + self._lease).replace(tzinfo=None),
                    )

    # What is done

    def _now(self) -> datetime:
        return self._library._now()

    def _plan(self) -> int:
        return self._library._plan_due(_STEPS)

    def _send(self, channel: str) -> int:
        """Sends a batch; how many messages that were."""
        sender = self._senders[channel]
        claim = self._lost(channel, sender) or self._claim(channel, sender)
        if claim is None:
            return 0
        self._in_hand[claim.claim_id] = channel
        try:
            self._hand_over(channel, sender, claim)
        finally:
            self._in_hand.pop(claim.claim_id, None)
        return len(claim.jobs)

    def _hand_over(self, channel: str, sender: Sender, claim: Claim) -> None:
        try:
            results = sender.send(claim.messages)
            if len(results) != len(claim.messages):
                raise ValueError(f"{len(results)} results for {len(claim.messages)} messages")
        except Exception as error:
            _LOG.warning("the sender for %s failed: %s", channel, type(error).__name__)
            now = self._now()
            if sender.idempotent and all(now.replace(tzinfo=None) <= row[5] for row in claim.jobs):
                self._put_off(claim, now)
                return
            results = [IN_DOUBT] * len(claim.messages)
        self._settle(sender, claim, results)

    def _put_off(self, claim: Claim, now: datetime) -> None:
        """Keeps the claim as it is: the same messages are handed over again when its time has run out."""
        again = now + self._patience.pause
        with self._library.store.write() as session:
            session.run("dispatch_renew", claim_ids=[claim.claim_id], expires_at=again.replace(tzinfo=None))

    def _lost(self, channel: str, sender: Sender) -> Claim | None:
        """A claim to take over; where nobody may send its messages again, they are recorded as in doubt instead."""
        store, now = self._library.store, self._now()
        workers = list(self._library._workers) if store.sees_every_write else None
        with store.read() as session:
            asked = {"channel": channel, "now": now.replace(tzinfo=None), "workers": workers}
            if not session.rows("dispatch_lost", **asked):
                return None
        with store.write() as session:
            claim = _dispatch.take_over(
                session, self._texts, self.worker_id, channel, workers, now, now + self._lease
            )
        if claim is None or sender.idempotent:
            return claim
        self._settle(sender, claim, [IN_DOUBT] * len(claim.jobs))
        return None

    def _claim(self, channel: str, sender: Sender) -> Claim | None:
        now = self._now()
        bucket = self._buckets.get(channel)
        most = sender.most if bucket is None else min(sender.most, bucket.available(now))
        if most < 1 or not self._is_due(channel, now):
            return None
        with self._library.store.write() as session:
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
        if claim is not None:
            self._library._touched({row[1] for row in claim.jobs})
            if bucket is not None:
                bucket.take(len(claim.jobs))
        return claim

    def _is_due(self, channel: str, now: datetime) -> bool:
        with self._library.store.read() as session:
            return bool(session.rows("dispatch_due", channel=channel, now=now.replace(tzinfo=None)))

    def _settle(self, sender: Sender, claim: Claim, results: Sequence[Result]) -> None:
        while True:
            try:
                with self._library.store.write() as session:
                    _dispatch.settle(
                        session,
                        self.worker_id,
                        sender.provider,
                        claim,
                        results,
                        self._now(),
                        self._patience,
                        self._dice,
                    )
                break
            except StoreUnavailable:
                if self._stopping.wait(_POLL):
                    raise
        self._library._touched({row[1] for row in claim.jobs})

    def _events(self, channel: str) -> int:
        """Records what the sender was told since; where the store can't take it now, that is kept for the next time."""
        events = self._reported.get(channel) or self._ask(channel)
        if events:
            self._reported.pop(channel, None)
            try:
                self._library.record(events)
            except StoreUnavailable:
                self._reported[channel] = events
                raise
        return len(events)

    def _ask(self, channel: str) -> Sequence[Fact]:
        try:
            return self._senders[channel].events()
        except Exception as error:
            _LOG.warning("the sender for %s could not tell events: %s", channel, type(error).__name__)
            return ()


class _Bucket:
    """A rate limit: what was not used of a second is kept, a second's worth at most (a token bucket).

    It is given out in portions of a quarter of a second's worth or more: each is a batch, with transactions of its own.

    Args:
        rate: how many a second.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = max(1.0, rate)
        self._least = max(1.0, rate * _POLL)
        self._tokens = self._most
        self._at: datetime | None = None

    def available(self, now: datetime) -> int:
        """How many may go now."""
        if self._at is not None:
            gained = max(0.0, (now - self._at).total_seconds()) * self._rate
            self._tokens = min(self._most, self._tokens + gained)
        self._at = now
        return int(self._tokens) if self._tokens >= self._least else 0

    def take(self, count: int) -> None:
        """Counts what went."""
        self._tokens -= count
