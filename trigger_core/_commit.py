"""Group commit: calls that arrive while one is being written are written together, by whoever writes next.

The waiting callers' facts share one transaction, so its price is paid once for all of them; each caller returns when
its own facts are durable. The idea is that of group commit in databases (DeWitt et al., 1984, "Implementation
techniques for main memory database systems").
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from trigger_core.errors import FactsRefused, StoreError, StoreInDoubt

if TYPE_CHECKING:
    from trigger_core.sending import EventCounts

_MOST: Final = 20_000
"""How many facts of several callers are put into one transaction."""

_STEP: Final = 0.0005
"""Seconds between two looks at who has come."""


def _interrupted() -> BaseException:
    return StoreInDoubt("it may have been recorded: the thread that wrote it was interrupted")


@define(eq=False)
class Ticket:
    """One caller's work, facts or requests, and what became of it.

    Attributes:
        batch: whose work its caller writes, in the queue's order, until all of them are woken.
    """

    work: Sequence[Any]
    account: str | None
    counts: EventCounts | None = None
    woken: Lock = field(factory=Lock)
    batch: Sequence[Ticket] = ()
    done: bool = False
    error: BaseException | None = field(factory=_interrupted)  # until it is known to be recorded


class GroupCommit:
    """Puts callers' facts into transactions, one at a time.

    The caller that finds nobody writing writes; the others wait, and when a transaction is done the first of those
    that it did not serve writes the next one.

    Args:
        write: records some callers' facts in one transaction, or raises and leaves nothing behind.
        together: whether the work of two callers may share a transaction.
        gather: for how many seconds a writer waits at most until there are as many callers as there were before: those
            who were served are about to call again.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Ticket]], None],
        together: Callable[[Ticket, Ticket], bool],
        gather: float = 0.003,
    ) -> None:
        self._write = write
        self._together = together
        self._gather = gather
        self._queue: deque[Ticket] = deque()
        self._guard = Lock()
        self._writer: Ticket | None = None
        self._crowd = 1

    def record(self, work: Sequence[Any], account: str | None) -> None:
        """Returns when the work is durable; raises what went wrong with it, and it alone."""
        self.submit(Ticket(work, account))

    def submit(self, ticket: Ticket) -> None:
        """The same for a ticket that says more."""
        ticket.woken.acquire()
        try:
            with self._guard:
                if self._writer is None:
                    self._writer = ticket
                self._queue.append(ticket)
            if self._writer is not ticket:
                ticket.woken.acquire()
            if not ticket.done:
                self._write_front(ticket)
                self._finish(ticket)
        finally:  # an interrupt may come anywhere
            if ticket.batch or not ticket.done:
                self._finish(ticket)
        if ticket.error is not None:
            raise ticket.error

    def _write_front(self, own: Ticket) -> None:
        """Writes what has queued up, the writer's own facts first."""
        deadline = monotonic() + self._gather
        while len(self._queue) < self._crowd and monotonic() < deadline:
            sleep(_STEP)
        with self._guard:
            own.batch = self._front()
        self._write_together(own.batch)

    def _front(self) -> list[Ticket]:
        """Those at the front of the queue whose work may be written at once."""
        front: list[Ticket] = []
        size = 0
        for ticket in self._queue:
            size += len(ticket.work)
            if front and (size > _MOST or not self._together(front[0], ticket)):
                break
            front.append(ticket)
        return front

    def _finish(self, own: Ticket) -> None:
        """Lets a caller go: wakes those it served, and the next writer if it was the writer.

        Where an interrupt comes here, all of it is done again.
        """
        with self._guard:
            if not own.batch and own in self._queue:
                self._queue.remove(own)
            for ticket in own.batch:
                if self._queue and self._queue[0] is ticket:
                    self._queue.popleft()
                ticket.done = True
                _wake(ticket)
            if self._writer is own:
                self._crowd = len(own.batch) + len(self._queue)
                self._writer = self._queue[0] if self._queue else None
            if self._writer is not None:
                _wake(self._writer)
            own.batch = ()

    def _write_together(self, tickets: Sequence[Ticket]) -> None:
        try:
            self._write(tickets)
        except (FactsRefused, StoreError) as error:
            if len(tickets) == 1:
                tickets[0].error = error
            else:
                for ticket in tickets:  # find out whose work was refused, without failing the others
                    self._write_together([ticket])
        except Exception as error:
            for ticket in tickets:
                ticket.error = error
        else:
            for ticket in tickets:
                ticket.error = None


def _wake(ticket: Ticket) -> None:
    """Has a caller wait no more; it waits once at most, so more often does no harm."""
    if ticket.woken.locked():
        ticket.woken.release()
