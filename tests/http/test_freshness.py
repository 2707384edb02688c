"""No polled answer is older than the last write that was acknowledged before it was asked for.

Over real sockets, while facts arrive: by one server where a store is one process's, by two where it is shared. Every
event is a new one, of a type that has a count of its own, so an answer's counts add up to the events that it includes.
"""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import cycle
from random import Random
from socket import socket
from threading import Event, Lock
from typing import Any
from uuid import UUID

import pytest
from attrs import field, frozen

import trigger_core
from benchmarks.client import ask, connections, header, request
from tests.http.service import process, threaded
from trigger_core.testing.contract.test_concurrency import run_all

AT = "2025-11-23T10:00:00.000Z"
TYPES = (
    "delivered",
    "opened",
    "clicked",
    "bounced",
)  # the first is implied by the next two, so it comes first


@frozen
class Size:
    """How much there is of everything.

    Attributes:
        calls: of each writer, at most; each has so many ``facts``.
        rate: how many facts a second are wanted; as many as can be unless told.
        seconds: how long writers go on at most.
        processes: whether each server is a process; else it is a library of its own in this one.
    """

    triggers: int
    jobs: int
    clients: int
    writers: int
    calls: int
    facts: int
    pause: float
    rate: float | None = None
    seconds: float = 60
    processes: bool = False


def trigger_id(number: int) -> str:
    return str(UUID(int=(0x019AB000 << 96) | (7 << 76) | (2 << 62) | (number << 1)))


def execution_id(number: int) -> str:
    return str(UUID(int=UUID(trigger_id(number)).int + 1))


def sends(size: Size) -> Iterator[dict[str, Any]]:
    """Direct sends of so many jobs."""
    for number in range(size.triggers):
        send, execution = {"trigger_id": trigger_id(number)}, {"execution_id": execution_id(number)}
        yield send | {
            "kind": "trigger", "account": "acme", "flow_type": "direct_channel", "trigger_type": "email",
            "trigger_source": "api", "campaign_name": "Sale", "currency": "USD", "created_at": AT,
        }  # fmt: skip
        yield send | execution | {"kind": "execution", "account": "acme", "channel": "email"}
        for job_id in range(1, size.jobs + 1):
            yield execution | {"kind": "job", "job_id": job_id, "contact": f"user_{job_id}"}


@frozen
class Written:
    """How many events of each trigger were handed over, and how many of them were acknowledged."""

    begun: dict[int, int] = field(factory=lambda: defaultdict(int))
    acknowledged: dict[int, int] = field(factory=lambda: defaultdict(int))
    lock: Lock = field(factory=Lock)

    def add(self, to: dict[int, int], events: dict[int, int]) -> None:
        with self.lock:
            for number, count in events.items():
                to[number] += count


class Poller:
    """A client that remembers each trigger's last answer: its tag, and the events that it includes."""

    def __init__(self, connection: socket, key: str, written: Written) -> None:
        self._connection, self._key, self._written = connection, key, written
        self._known: dict[int, tuple[str, int]] = {}
        self.polls = self.unchanged = 0

    def poll(self, number: int, *, again: bool) -> int:
        """Asks for a trigger, ``again`` with the tag that is known; fails on an answer from before, or from nowhere."""
        headers = [f"X-API-Key: {self._key}"]
        tag, _ = self._known.get(number, ("", 0))
        if again and tag:
            headers.append(f"If-None-Match: {tag}")
        asked = request(f"/api/v1/triggers/{trigger_id(number)}/direct", *headers)
        least = self._written.acknowledged[number]
        head, body = ask(self._connection, asked)
        self.polls += 1
        if head.startswith("HTTP/1.1 304"):
            self.unchanged += 1
        else:
            counts = json.loads(body)["analytics"]
            self._known[number] = header(head, "etag"), sum(counts[name] for name in TYPES)
        included = self._known[number][1]
        assert least <= included <= self._written.begun[number]
        return included


def post(size: Size, writer: int, connection: socket, key: str, written: Written) -> None:
    """Hands over events of the triggers that are this writer's, in random order."""
    dice, mine = Random(writer), range(writer, size.triggers, size.writers)
    begin = time.monotonic()
    for call in range(size.calls):
        if time.monotonic() > begin + size.seconds:
            break
        if size.rate is not None:
            time.sleep(max(0, begin + call * size.facts * size.writers / size.rate - time.monotonic()))
        count: dict[int, int] = defaultdict(int)
        events: list[dict[str, Any]] = []
        while len(events) < size.facts:
            number = dice.choice(mine)
            turn, job = divmod(written.begun[number] + count[number], size.jobs)
            if turn == len(TYPES):
                continue
            count[number] += 1
            events.append(
                {
                    "event_id": f"{number}:{job}:{turn}",
                    "type": TYPES[turn],
                    "occurred_at": AT,
                    "execution_id": execution_id(number),
                    "job_id": job + 1,
                }
            )
        written.add(written.begun, count)
        told = json.dumps({"events": events})
        _, body = ask(connection, request("/api/v1/events", f"X-API-Key: {key}", body=told))
        assert json.loads(body)["data"]["accepted"] == size.facts
        written.add(written.acknowledged, count)


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(
            Size(triggers=20, jobs=8, clients=8, writers=2, calls=15, facts=10, pause=0.02), id="short"
        ),
        pytest.param(
            Size(
                triggers=1_000,
                jobs=100,
                clients=50,
                writers=4,
                calls=75,
                facts=1_000,
                pause=0.5,
                rate=5_000,
                processes=True,
            ),
            id="long",
            marks=pytest.mark.deep,
        ),
    ],
)
def test_no_answer_is_older_than_the_last_acknowledged_write(
    new_store: Callable[[], str], size: Size
) -> None:
    """Each answer to many clients' polls, a 304 too, includes what was acknowledged before, and nothing unheard of."""
    url, written, done = new_store(), Written(), Event()
    with trigger_core.open(url) as library:
        servers = 1 if library.store.sees_every_write else 2
        library.record(sends(size))
        key = library.create_key("acme", ["read", "events"]).key
    with ExitStack() as stack:
        ports = [stack.enter_context((process if size.processes else threaded)(url)) for _ in range(servers)]
        reading, writing = (
            [
                stack.enter_context(connections(port, 1))[0]
                for _, port in zip(range(count), cycle(ports), strict=False)
            ]
            for count in (size.clients, size.writers)
        )
        pollers = [Poller(connection, key, written) for connection in reading]

        def write() -> None:
            try:
                run_all(
                    [
                        lambda number=number, connection=connection: post(  # type: ignore[misc]
                            size, number, connection, key, written
                        )
                        for number, connection in enumerate(writing)
                    ]
                )
            finally:
                done.set()

        def read(poller: Poller, dice: Random) -> None:
            while not done.is_set():
                poller.poll(dice.randrange(size.triggers), again=dice.random() < 0.75)
                time.sleep(size.pause)

        begin = time.monotonic()
        readers = [
            lambda poller=poller, number=number: read(poller, Random(number))
            for number, poller in enumerate(pollers)
        ]
        run_all([write, *readers])
        took = time.monotonic() - begin
        polls, unchanged = (sum(getattr(one, name) for one in pollers) for name in ("polls", "unchanged"))
        for number in range(size.triggers):
            for poller in pollers[:servers]:
                before = poller.unchanged
                assert poller.poll(number, again=False) == written.begun[number]
                assert poller.poll(number, again=True) == written.begun[number]
                assert poller.unchanged == before + 1
    facts = sum(written.acknowledged.values())
    print(f"{facts / took:,.0f} facts/s; {polls / took:,.0f} polls/s, {unchanged / polls:.0%} of them a 304")
