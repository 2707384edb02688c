"""The worker: jobs from pending to recorded, through the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import trigger_core
from benchmarks.data import ACCOUNT
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure
from benchmarks.plan import filled, put
from trigger_core.sending import Send
from trigger_core.worker import Worker
from trigger_sandbox import SandboxSender


def run(ground: Ground) -> Iterator[Figure]:
    """Sends to a list, by turns of one worker; then with the sandbox's delivery events, which are recorded too."""
    people = ground.sizes.people // 5
    for name, events, wanted in (
        ("sent and recorded", False, "≥ 15,000"),
        ("sent and recorded, and all that is reported of them", True, ""),
    ):
        speeds = []
        for _ in range(min(3, ground.sizes.slow.rounds)):
            with filled(ground, people) as path, trigger_core.open(path) as library:
                put(library, "hello", "Hello")
                library.send(ACCOUNT, Send(channel="sms", template_key="hello", list_name="everyone"))
                with Worker(library, {"sms": SandboxSender("sms", events=events)}) as worker:
                    begin = perf_counter()
                    while worker.turn():
                        pass
                    took = perf_counter() - begin
                [trigger] = library.triggers(ACCOUNT).triggers
                assert trigger.summary.sent
                speeds.append(trigger.summary.sent / took)
        yield figure(
            "work", f"jobs of an SMS send {name}", speeds, unit="jobs/s", better="higher", wanted=wanted
        )
