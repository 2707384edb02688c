"""Example data that is alive: a past in which everything has happened, and a worker that sends while one watches.

What is sent while one watches goes the way of any host's: a catalog, requests, a worker, the sandbox's senders, which
reach nobody, and the events that those report.
"""

from __future__ import annotations

import logging
import shlex
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from threading import Event as Signal
from threading import Thread
from types import TracebackType
from typing import Final, Self

from trigger_core._ids import new_id
from trigger_core._keys import SCOPES
from trigger_core.demo._past import Past
from trigger_core.demo._people import ACCOUNT
from trigger_core.demo._present import DUE_STEP, Present
from trigger_core.errors import TriggerCoreError
from trigger_core.facts import CHANNELS
from trigger_core.library import Library
from trigger_core.senders import open_sender
from trigger_core.worker import Patience, Worker

__all__ = ["ACCOUNT", "RATE", "Demo"]

RATE: Final = 60
"""Messages a second on each channel, so that one can watch a list go through."""
_PAUSE: Final = 30
"""Seconds after which the demo asks for something more to be sent."""

_IS_JSON: Final = "-H 'Content-Type: application/json'"


class Demo:
    """A library with a past and, once started, a present that goes on in threads while the context lasts.

    Args:
        library: an open library.
        seed: decides what happened.

    Attributes:
        key: an API key that opens the data.
        examples: once started, the ids of a trigger of each flow, by ``direct``, ``steps`` and ``group``.
    """

    def __init__(self, library: Library, seed: int = 1) -> None:
        self._library = library
        self._seed = seed
        self._present = Present(library)
        self._worker = Worker(
            library,
            {channel: open_sender(channel, "sandbox:") for channel in CHANNELS},
            rates=dict.fromkeys(CHANNELS, RATE),
            patience=Patience(pause=timedelta(seconds=5)),
        )
        self._stop = Signal()
        self._thread = Thread(target=self._go_on, name="trigger-core demo", daemon=True)
        self.key = ""
        self.examples = self._present.examples

    def __enter__(self) -> Self:
        self.key = self._library.create_key(ACCOUNT, SCOPES, test=True).key  # first: it tells a demo's store
        self._present.fill()
        past = Past(self._library._now(), self._seed)
        past.tell()
        self._library.record(past.facts)
        return self

    def start(self) -> None:
        """Asks for the first things to be sent, and has threads send them, and ask for more."""
        self._present.begin()
        self._worker.start()
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._worker.stop()

    def _go_on(self) -> None:
        while not self._stop.wait(_PAUSE):
            try:
                self._present.more()
            except TriggerCoreError:
                logging.getLogger(__name__).exception("The demo could not send.")

    def introduction(self, url: str, store: str) -> str:
        """What to try, as text: the key, and commands that can be pasted into a shell."""
        api = f"{url}/api/v1"
        curl = f"curl -s -w '\\n' -H 'X-API-Key: {self.key}'"
        direct, steps, group = (self.examples[name] for name in ("direct", "steps", "group"))
        execution = self._library.direct(ACCOUNT, direct).execution
        jobs = f"sms/executions/{execution.id}/jobs" if execution else ""
        tries = (
            ("The newest triggers", "triggers?limit=5"),
            ("A send to a list that is under way: in short, then in detail", f"triggers/{direct}"),
            (None, f"triggers/{direct}/direct"),
            ("Who does not get it, and why", f"{jobs}?status=filtered&limit=5"),
            (
                f"A workflow with steps; its second step is due {DUE_STEP} seconds after the start",
                f"triggers/{steps}/workflow",
            ),
            ("A template group, on all channels at once", f"triggers/{group}/workflow"),
        )
        lines = [
            f"Serving example data of the account {ACCOUNT} on {url}; Ctrl-C stops it.",
            f"What is sent goes to a sandbox and reaches nobody, up to {RATE} messages a second on each channel.",
            "",
            f"API key: {self.key}",
        ]
        for title, path in tries:
            lines += ["", f"# {title}"] if title else []
            lines.append(f"{curl} '{api}/{path}'")
        body = '{"template_key": "offer", "list_name": "everyone"}'
        lines += [
            "",
            "# Send to a list yourself; the same Idempotency-Key again sends nothing twice",
            f"id=$({curl} -H 'Idempotency-Key: try-{new_id()[-4:]}' {_IS_JSON} \\",
            f"  -d '{body}' '{api}/messages/email/send' | grep -oE '[0-9a-f-]{{36}}'); echo $id",
            "",
            "# Watch its counts move, and cancel what hasn't gone out",
            f'{curl} "{api}/triggers/$id/direct"',
            f'{curl} -X POST "{api}/triggers/$id/cancel"',
            "",
            "# Every number, derived again from what was recorded",
            f"{_program()} audit --store '{store}'",
        ]
        return "\n".join(lines)


def _program() -> str:
    """The command line as a shell finds it: by its name, or where it was installed beside this interpreter."""
    name = "trigger-core"
    return name if shutil.which(name) else shlex.quote(str(Path(sys.executable).with_name(name)))
