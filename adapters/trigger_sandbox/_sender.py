"""The sandbox."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush, heapreplace
from threading import Lock
from typing import Final, Self
from zlib import crc32

from trigger_core._segments import segments
from trigger_core.errors import InvalidValue
from trigger_core.facts import CHANNELS, Event, choice, text, whole
from trigger_core.senders import Accepted, Message, Result
from trigger_sandbox import _known, _shares

_AT_ONCE: Final = 20_000
_MIX: Final = 2_654_435_761

_Waiting = tuple[float, str, float, _shares.Plan, int, str]
"""When the next event is due, the message's id, half the time to the one after, all events, which one, the account."""


def _now() -> datetime:
    return datetime.now(UTC)


class SandboxSender:
    """Takes every message, sends none, and reports what a provider would.

    What becomes of a message depends on its address, else on its token and the seed alone. Of the numbers that begin
    with +1500555, 0001 is not valid, 0002 has no route, 0003 is not permitted, 0004 is blocked and 0009 can't receive:
    they are rejected with Twilio's codes. 0006 is delivered, 0005 is accepted and fails later. At
    ``simulator.amazonses.com``, ``success`` and ``ooto`` are delivered, ``bounce`` and ``suppressionlist`` bounce, and
    ``complaint`` is delivered and complained about, all also with a ``+label``. +15005550008 and ``throttle`` there
    are refused twice for a passing reason.

    Any thread may call any method. Memory: a message needs some 250 bytes until its last event was given out, and no
    more than ``waiting`` messages are kept so; further ones are accepted, but nothing is reported of them.

    Attributes:
        provider, idempotent, most: as the port of senders has them.
        unreported: how many accepted messages nothing is reported of, because too many were waiting.

    >>> sandbox = SandboxSender("sms", delay=timedelta(0))
    >>> hello = Message(token="t1", channel="sms", account="acme", contact="u", address="+15005550006", text="Hello")
    >>> sandbox.send([hello])
    [Accepted(provider_message_id='sandbox-t1', segments=1, cost=None)]
    >>> [(event.type, event.provider_message_id) for event in sandbox.events()]
    [('delivered', 'sandbox-t1')]
    """

    def __init__(
        self,
        channel: str,
        *,
        provider: str | None = None,
        clock: Callable[[], datetime] = _now,
        delay: timedelta = timedelta(seconds=2),
        seed: int = 1,
        idempotent: bool = True,
        most: int = 10_000,
        events: bool = True,
        rates: Mapping[str, float] | None = None,
        passing: Mapping[str, int] | None = None,
        waiting: int = 200_000,
    ) -> None:
        """A sandbox of one channel.

        Args:
            channel: ``email``, ``sms`` or ``whatsapp``.
            provider: its name in events; ``sandbox`` unless told.
            clock: gives the time, with an offset.
            delay: how long after a message its first event comes on average, give or take a half; each further one
                comes twice as long after the one before.
            seed: another one has other messages opened.
            idempotent: what it says of itself; a token handed over again has the same result in any case, and its
                events come again under the same ids.
            most: how many messages it takes at once.
            events: whether anything is reported at all. Without, a message costs less.
            rates: the shares of messages, 0 to 1, that have an event of each type; ordinary ones of the channel unless
                told. The address of a known fate goes before.
            passing: how many messages to each of these addresses are refused with ``retry`` at first; added to the
                known ones.
            waiting: how many messages to report of are kept.

        Raises:
            InvalidValue: naming the argument that is wrong.
        """
        choice(channel, "channel", CHANNELS)
        if delay < timedelta(0):
            raise InvalidValue("delay", "must be at least 0")
        self.provider = text("sandbox" if provider is None else provider, "provider", 200)
        self.idempotent = idempotent
        self.most = whole(most, "most", 1)
        self.unreported = 0
        self._clock = clock
        self._delay = delay.total_seconds()
        self._seed = whole(seed, "seed")
        self._limit = whole(waiting, "waiting") if events else 0
        self._reports = events
        self._counts = channel == "sms"
        self._mark = _known.MARKS[channel]
        cuts, self._plans = _shares.plans(
            _shares.checked(_shares.DEFAULT[channel] if rates is None else rates)
        )
        self._cuts = [round(cut * 2**24) for cut in cuts]
        self._passing = {
            **_known.PASSING[channel],
            **{address: whole(times, "passing") for address, times in (passing or {}).items()},
        }
        self._refused: dict[str, set[str]] = {}
        self._heap: list[_Waiting] = []
        self._lock = Lock()

    @classmethod
    def from_url(cls, channel: str, url: str) -> Self:
        """The sandbox that ``sandbox:`` names.

        Raises:
            InvalidValue: the URL says more than that.
        """
        if url != "sandbox:":
            raise InvalidValue("sender", "must be just sandbox: where it is the sandbox")
        return cls(channel)

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """What becomes of each message, in order."""
        now = self._clock().timestamp()
        mark, passing, counts, reports = self._mark, self._passing, self._counts, self._reports
        results: list[Result] = []
        with self._lock:
            for message in messages:
                address, token, plan = message.address, message.token, None
                if mark in address:
                    address = _known.plain(address)
                    if (refused := _known.REFUSED.get(address)) is not None:
                        results.append(refused)
                        continue
                    plan = _known.REPORTED.get(address)
                if address in passing and self._is_refused(address, token):
                    results.append(_known.BUSY)
                    continue
                name = f"sandbox-{token}"
                results.append(
                    Accepted(provider_message_id=name, segments=segments(message.text) if counts else None)
                )
                if reports:
                    self._expect(name, message.account, plan, now)
        return results

    def _expect(self, name: str, account: str, plan: _shares.Plan | None, now: float) -> None:
        """Remembers what is to be reported of a message."""
        dice = crc32(name.encode(), self._seed) * _MIX & 0xFFFFFFFF
        if plan is None:
            plan = self._plans[bisect_right(self._cuts, dice >> 8)]
        if not plan:
            return
        if len(self._heap) < self._limit:
            pause = self._delay * (0.5 + (dice & 0xFF) / 256)
            heappush(self._heap, (now + pause, name, pause, plan, 0, account))
        else:
            self.unreported += 1

    def _is_refused(self, address: str, token: str) -> bool:
        refused = self._refused.setdefault(address, set())
        if len(refused) < self._passing[address]:
            refused.add(token)
        return token in refused

    def events(self) -> list[Event]:
        """What became due since it was asked last, in order of time; 20,000 at most, the rest when asked again."""
        due = self._due(self._clock().timestamp())
        return [
            Event(
                event_id=f"{name}-{plan[step]}",
                type=plan[step],
                at=datetime.fromtimestamp(at, UTC),
                account=account,
                provider=self.provider,
                provider_message_id=name,
            )
            for at, name, _, plan, step, account in due
        ]

    def _due(self, now: float) -> list[_Waiting]:
        found: list[_Waiting] = []
        with self._lock:
            heap = self._heap
            while heap and heap[0][0] <= now and len(found) < _AT_ONCE:
                found.append(entry := heap[0])
                at, name, pause, plan, step, account = entry
                if step + 1 < len(plan):
                    heapreplace(heap, (at + 2 * pause, name, pause, plan, step + 1, account))
                else:
                    heappop(heap)
        return found

    def close(self) -> None:
        """Forgets what was still to be reported."""
        with self._lock:
            self._heap.clear()
