"""A server and a worker to be killed: ``python -m tests.sending.service STORE OUTBOX LEASE`` says its port, then works.

The outbox is a file with a line for each message that a sender took, written before the sender says so. The lease is in
seconds.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from zlib import crc32

import trigger_core
from trigger_core import Library
from trigger_core.facts import Event
from trigger_core.senders import Accepted, Message, Rejected, Result
from trigger_core.worker import Patience, Worker
from trigger_falcon import serve

IDEMPOTENT = {"email": True, "sms": False, "whatsapp": True}
BUSY = Rejected(code="busy", message="Try again", retry=True)
NO = Rejected(code="no", message="No such address")


class Outbox:
    """A sender whose every tenth batch or so fails half-way, and that rejects one message in eight.

    What it rejects depends on the token alone. Where it is idempotent, it knows by the file what it took before.
    """

    provider = "outbox"
    most = 4

    def __init__(self, channel: str, path: Path, dice: Random) -> None:
        self.idempotent = IDEMPOTENT[channel]
        self._channel = channel
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._path = path
        self._dice = dice
        self._reports: list[Event] = []

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Takes them one after the other."""
        fails_at = self._dice.randrange(40)
        results: list[Result] = []
        for place, message in enumerate(messages):
            if place == fails_at:
                raise ConnectionError
            time.sleep(self._dice.random() * 0.004)
            results.append(self._result(message))
        return results

    def _result(self, message: Message) -> Result:
        fate = crc32(message.token.encode()) % 16
        if fate < 2:
            return BUSY if fate else NO
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            if not (self.idempotent and message.token in taken(self._path)[self._channel]):
                os.write(self._file, f"{self._channel} {message.token}\n".encode())
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._reports.append(
            Event(
                event_id=message.token,
                type="delivered",
                at=datetime.now(UTC),
                account=message.account,
                provider=self.provider,
                provider_message_id=message.token,
            )
        )
        return Accepted(provider_message_id=message.token)

    def events(self) -> list[Event]:
        """All that was taken since is delivered."""
        reports, self._reports = self._reports, []
        return reports

    def close(self) -> None:
        """Closes the file."""
        os.close(self._file)


def taken(path: Path) -> Mapping[str, list[str]]:
    """The tokens of the messages that were taken, by channel, in order."""
    found: dict[str, list[str]] = {channel: [] for channel in IDEMPOTENT}
    if path.exists():
        for line in path.read_text().splitlines():
            channel, token = line.split()
            found[channel].append(token)
    return found


def worker(library: Library, outbox: Path, lease: timedelta = timedelta(minutes=1)) -> Worker:
    """A worker of all channels that doesn't wait long before it tries again."""
    dice = Random(os.urandom(8))
    senders = {channel: Outbox(channel, outbox, dice) for channel in IDEMPOTENT}
    return Worker(library, senders, patience=Patience(pause=timedelta(seconds=0.05)), lease=lease)


def main(store: str, outbox: str, lease: str) -> None:
    """Serves and sends until it is killed."""
    time_left = timedelta(seconds=float(lease))
    with trigger_core.open(store) as library, worker(library, Path(outbox), time_left) as working:
        working.start()
        serve(library, "127.0.0.1", 0, on_ready=lambda _, port: print(port, flush=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
