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
from time import sleep
from types import TracebackType
from typing import Final, Self

from trigger_core import _dispatch
from trigger_core._dispatch import IN_DOUBT, Claim, Patience
from trigger_core._ids import new_id
from trigger_core.errors import (
    FactsRefused,
    InvalidValue,
    StoreClosed,
    StoreForked,
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
"""Seconds after which a worker looks again, though nobody told it of anything."""

_TRIES: Final = 40
"""How often recording is tried by hand, or when the worker is to stop."""

_MANY: Final = 100
"""So many events at once mean that there are more."""

_STEPS: Final = 100
"""How many steps of workflows are planned in one transaction."""


class Worker:
    """Sends what the library planned, each message once; several workers of one store share the work.

    Use it as a context manager. ``start`` has threads do the work until ``stop``; ``turn`` does a batch of what is due
    now on each channel and returns, which is how tests travel in time, by the library's clock.

    Args:
        library: where the work is.
        senders: who sends on which channel. Of other channels nothing is claimed.
        rates: how many messages a second at most this worker hands over, by channel.
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
        self._buckets = {channel: _Bucket(rate) for channel, rate in (rates or {}).items()}
        self._patience = patience or Patience()
        self._lease = lease
        self._dice = Random(seed)  # type: ignore[arg-type]  # noqa: S311  no secret depends on it
        self._texts = _dispatch.Texts()
        self._stopping = Event()
        self._news = Condition()
        self._serial = 0
        self._in_hand: set[str] = set()
        self._failures: dict[str, int] = {}
        self._told: dict[str, Sequence[Report]] = {}
        self._threads: list[Thread] = []
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
        for channel, sender in self._senders.items():
            try:
                sender.close()
            except Exception as error:
                _LOG.warning("the sender for %s failed to close: %s", channel, type(error).__name__)

    def _register(self) -> None:
        """Says that this worker is there, so that no other one takes over what it has in hand."""
        self._library._workers[self.worker_id] = self._wake

    def _work(self, channel: str) -> bool:
        """Whether there is more to do: a few events that trickle in are better recorded together, after a pause."""
        sent, told = self._send(channel), self._events(channel)
        return sent > 0 or told >= _MANY

    def _loop(self, work: Callable[[], int]) -> None:
        while not self._stopping.is_set():
            serial = self._serial
            try:
                done = work()
            except (StoreClosed, StoreForked) as error:
                _LOG.warning("work ends: %s", type(error).__name__)
                return
            except TriggerCoreError as error:
                _LOG.warning("work failed and is taken up again: %s", type(error).__name__)
                done = 0
            except Exception as error:  # a defect: what else there is to do still has to be done
                _LOG.error("work failed unforeseen and is taken up again: %s", type(error).__name__)
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
            try:
                if claims := list(self._in_hand):
                    self._renew(claims, self._lease)
            except Exception as error:
                _LOG.warning("claims could not be renewed: %s", type(error).__name__)

    def _renew(self, claims: list[str], time: timedelta) -> None:
        """Has claims last for some time from now."""
        expires_at = (self._now() + time).replace(tzinfo=None)
        with self._library.store.write() as session:
            session.run("dispatch_renew", claim_ids=claims, worker_id=self.worker_id, expires_at=expires_at)

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
            failures = self._failures[claim.claim_id] = self._failures.get(claim.claim_id, 0) + 1
            if sender.idempotent and failures < self._patience.attempts:
                # the claim is kept: the same messages are handed over again when its time has run out
                self._in_hand.discard(claim.claim_id)
                self._renew([claim.claim_id], self._patience.pause_after(failures, self._dice))
                return
            results, wrong = [IN_DOUBT] * len(claim.messages), set()
        if wrong:
            _LOG.warning(
                "the sender for %s said what can't be recorded: %s", channel, ", ".join(sorted(wrong))
            )
        self._settle(sender, claim, results)

    def _lost(self, channel: str, sender: Sender) -> Claim | None:
        """A claim to take over; where nobody may send its messages again, they are recorded as in doubt instead."""
        store, now = self._library.store, self._now()
        with store.read() as session:
            asked = {"channel": channel, "now": now.replace(tzinfo=None), "workers": self._others()}
            if not session.rows("dispatch_lost", **asked):
                return None
        with store.write() as session:
            claim = _dispatch.take_over(
                # who is there is asked anew: one that came since may have made a claim
                session,
                self._texts,
                self.worker_id,
                channel,
                self._others(),
                now,
                now + self._lease,
            )
        if claim is None or sender.idempotent:
            return claim
        self._settle(sender, claim, [IN_DOUBT] * len(claim.jobs))
        return None

    def _others(self) -> list[str] | None:
        """The workers that are there; None where there may be others elsewhere."""
        return list(self._library._workers) if self._library.store.sees_every_write else None

    def _claim(self, channel: str, sender: Sender) -> Claim | None:
        now = self._now()
        bucket = self._buckets.get(channel)
        most = sender.most if bucket is None else min(sender.most, bucket.available(now))
        claim = None
        while claim is None and most > 0 and self._is_due(channel, now):
            try:
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
            finally:
                if claim is not None:
                    self._library._touched({row[1] for row in claim.jobs})
        if claim is not None and bucket is not None:
            bucket.take(len(claim.jobs))
        return claim

    def _is_due(self, channel: str, now: datetime) -> bool:
        with self._library.store.read() as session:
            return bool(session.rows("dispatch_due", channel=channel, now=now.replace(tzinfo=None)))

    def _settle(self, sender: Sender, claim: Claim, results: Sequence[Result]) -> None:
        """Records what became of a claim, however often the store has to be asked; at the end not for ever."""
        tries, now = 0, self._now()
        while True:
            try:
                with self._library.store.write() as session:
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
            finally:
                self._library._touched({row[1] for row in claim.jobs})
        self._failures.pop(claim.claim_id, None)

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
