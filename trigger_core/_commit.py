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

from trigger_core.errors import FactsRefused, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from trigger_core.sending import EventCounts

_MOST: Final = 20_000
"""How many facts of several callers are put into one transaction."""

_STEP: Final = 0.0005
"""Seconds between two looks at who has come."""

_INTERRUPTED: Final = "the writing thread was interrupted; it may be recorded, and the same call does no harm"


@define(eq=False)
class Ticket:
    """One caller's work, facts or requests, and what became of it."""

    work: Sequence[Any]
    account: str | None
    counts: EventCounts | None = None
    woken: Lock = field(factory=Lock)
    writes: bool = False
    done: bool = False
    error: BaseException | None = None


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
        self._writing = False
        self._crowd = 1

    def record(self, work: Sequence[Any], account: str | None) -> None:
        """Returns when the work is durable; raises what went wrong with it, and it alone."""
        self.submit(Ticket(work, account))

    def submit(self, ticket: Ticket) -> None:
        """The same for a ticket that says more."""
        ticket.woken.acquire()
        try:
            with self._guard:
                self._queue.append(ticket)
                ticket.writes = not self._writing
                self._writing = True
            if not ticket.writes:
                ticket.woken.acquire()
            if not ticket.done:
                self._write_front(ticket)
        finally:  # an interrupt may come anywhere
            if not ticket.done:
                self._leave(ticket)
        if ticket.error is not None:
            raise ticket.error

    def _write_front(self, own: Ticket) -> None:
        """Writes what has queued up, the writer's own facts first, and wakes those it served and the next writer."""
        deadline = monotonic() + self._gather
        while len(self._queue) < self._crowd and monotonic() < deadline:
            sleep(_STEP)
        tickets: list[Ticket] = []
        try:
            with self._guard:
                size = 0
                while self._queue and (not tickets or self._fits(tickets[0], size)):
                    tickets.append(self._queue.popleft())
                    size += len(tickets[-1].work)
            for ticket in tickets:
                ticket.error = StoreUnavailable(_INTERRUPTED)  # until it is known to be recorded
            self._write_together(tickets)
        finally:
            with self._guard:
                for ticket in tickets:
                    ticket.done = True
                    if ticket is not own:
                        ticket.woken.release()
                own.writes = False
                self._crowd = len(tickets) + len(self._queue)
                self._appoint()

    def _fits(self, first: Ticket, size: int) -> bool:
        """Whether the next caller's work may be written with the first one's and what else there is already."""
        following = self._queue[0]
        return size + len(following.work) <= _MOST and self._together(first, following)

    def _appoint(self) -> None:
        """Makes the first that waits the next writer."""
        self._writing = bool(self._queue)
        if self._queue:
            self._queue[0].writes = True
            self._queue[0].woken.release()

    def _leave(self, ticket: Ticket) -> None:
        """Takes an interrupted caller's facts out, unless they are being written."""
        with self._guard:
            if ticket in self._queue:
                self._queue.remove(ticket)
            if ticket.writes:
                ticket.writes = False
                self._appoint()

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
