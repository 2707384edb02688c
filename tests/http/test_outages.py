"""Servers whose database fails answer by a 2xx or a 503, go on by themselves, and lose nothing acknowledged."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from typing import Any

import pytest
from attrs import define, field

import trigger_core
from tests.http.service import process, threaded
from tests.postgres import OwnServer, own_server
from tests.sending.client import Answer, Client
from trigger_core import Library
from trigger_core.testing.contract.sending.world import ACCOUNT, fill

PEOPLE = 3
HOSTS = 6
EVENTS = ("delivered", "opened", "clicked", "bounced")
AT = "2025-11-23T12:00:00.000Z"


@define
class Host:
    """Somebody who asks now this server, now that one, for one thing after the other, until it is answered by a 2xx.

    Attributes:
        sends: what was answered, by the idempotency key that was given.
        bodies: what was asked for, by that key.
        events: which events were acknowledged, by trigger.
        failed: how many answers were 503.
        wrong: what should not have been answered.
    """

    name: str
    key: str
    ports: list[int]
    ends: threading.Event
    dice: Random
    sends: dict[str, Answer] = field(factory=dict)
    bodies: dict[str, tuple[str, Any]] = field(factory=dict)
    events: dict[str, set[str]] = field(factory=dict)
    failed: int = 0
    answers: int = 0
    wrong: list[str] = field(factory=list)

    def live(self) -> None:
        """Goes on until it is to end."""
        while not self.ends.is_set() and not self.wrong:
            ask = self.dice.choice((self.send, self.send, self.report, self.report, self.look))
            try:
                ask()
            except Exception as error:
                self.wrong.append(repr(error))

    def send(self) -> None:
        """Asks for a send or a workflow, under a key and a name of its own."""
        key = f"{self.name}-{len(self.sends)}"
        whom: dict[str, Any] = self.dice.choice(
            ({"list_name": "everyone"}, {"contact_external_id": "user_1"})
        )
        path, what = self.dice.choice(
            (
                ("messages/sms/send", {"template_key": "hello"}),
                ("workflows/trigger", {"workflow_name": "Group"}),
            )
        )
        body = {"campaign_name": key, **what, **whom}
        self.bodies[key] = path, body
        self.sends[key] = self.answered("POST", f"/api/v1/{path}", body, Idempotency_Key=key)

    def report(self) -> None:
        """Tells an event of a job that is known; the next answer counts it, wherever it is asked for."""
        direct = [answer.json for answer in self.sends.values() if "job_id" in answer.json]
        if not direct:
            return
        trigger = self.dice.choice(direct)
        kind = self.dice.choice(EVENTS)
        found = self.answered("GET", f"/api/v1/triggers/{trigger['trigger_id']}/direct")
        target = {"execution_id": found.json["execution"]["id"], "job_id": trigger["job_id"]}
        event = {"event_id": kind, "type": kind, "occurred_at": AT, **target}
        self.answered("POST", "/api/v1/events", {"events": [event]})
        self.events.setdefault(trigger["trigger_id"], set()).add(kind)

    def look(self) -> None:
        """Reads a trigger."""
        if self.sends:
            sent = self.dice.choice(list(self.sends.values())).json
            found = self.answered("GET", f"/api/v1/triggers/{sent['trigger_id']}/direct", wanted=(200, 404))
            if found.status == 200:
                counts, reached = found.json["jobs"], found.json["analytics"]
                assert counts["total"] == counts["pending"] + counts["filtered"]
                for kind in self.events.get(sent["trigger_id"], ()):
                    assert reached[kind] == 1, (kind, reached)

    def answered(
        self, method: str, path: str, body: object = None, wanted: Any = (), **headers: str
    ) -> Answer:
        """The first answer that is no 503."""
        while True:
            client = Client(self.dice.choice(self.ports), self.key)
            answer = client(method, path, body, **headers)
            self.answers += 1
            if answer.status != 503:
                assert answer.status in (wanted or (200, 202)), (path, answer.status, answer.body)
                return answer
            self.failed += 1
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) > 0
            assert answer.json["status"] == 503
            time.sleep(0.05)


def terminate(own: OwnServer, dice: Random) -> None:
    """Ends every connection, several times."""
    killed = 0
    for _ in range(dice.randrange(1, 4)):
        killed += own.kill_backends()
        time.sleep(dice.random() * 0.1)
    assert killed > 0


def restart(own: OwnServer, dice: Random) -> None:
    """Starts the database anew, as an administrator does or as after a crash, at once or after a while."""
    own.stop(dice.choice(("fast", "immediate")))
    time.sleep(dice.choice((0, dice.random() * 2)))
    own.start()


def recovered(ports: list[int], key: str, number: int) -> float:
    """Seconds until each server is healthy and writes."""
    began = time.monotonic()
    for port in ports:
        client = Client(port, key)
        while client("GET", "/healthz").status != 200:
            time.sleep(0.02)
        name = f"probe-{number}-{port}"
        body = {"campaign_name": name, "template_key": "hello", "contact_external_id": "user_1"}
        while client("POST", "/api/v1/messages/sms/send", body, Idempotency_Key=name).status != 202:
            time.sleep(0.02)
    return time.monotonic() - began


@contextmanager
def hosts_at(ports: list[int], key: str, dice: Random) -> Iterator[list[Host]]:
    """Hosts that ask, until this ends and each has its last answer."""
    ends = threading.Event()
    hosts = [Host(f"host{number}", key, ports, ends, Random(dice.random())) for number in range(HOSTS)]
    threads = [threading.Thread(target=host.live) for host in hosts]
    for thread in threads:
        thread.start()
    try:
        yield hosts
    finally:
        ends.set()
        for thread in threads:
            thread.join()


def check(library: Library, client: Client, hosts: list[Host]) -> None:
    """Fails unless all that was acknowledged is there, each once, and the books are right."""
    [*found] = library.store.table("select campaign_name, trigger_id from triggers", {})[1]
    names = {name: str(trigger_id) for name, trigger_id in found if not name.startswith("probe-")}
    assert set(Counter(name for name, _ in found).values()) == {1}
    assert names == {key: answer.json["trigger_id"] for host in hosts for key, answer in host.sends.items()}
    for host in hosts:
        for trigger_id, kinds in host.events.items():
            reached = trigger_core.answers.to_json(library.direct(ACCOUNT, trigger_id))["analytics"]
            assert {kind for kind in EVENTS if reached[kind]} >= kinds
        for key, answer in list(host.sends.items())[-3:]:
            path, body = host.bodies[key]
            again = client("POST", f"/api/v1/{path}", body, Idempotency_Key=key)
            assert (again.status, again.body) == (202, answer.body)
            assert again.headers["idempotency-replayed"] == "true"
    assert list(library.audit()) == []


@pytest.mark.parametrize(
    ("rounds", "serve", "within"),
    [
        pytest.param(2, threaded, 30.0, id="short"),
        pytest.param(50, process, 5.0, id="long", marks=pytest.mark.deep),
    ],
)
def test_servers_live_through_what_happens_to_their_database(
    rounds: int, serve: Callable[[str], Any], within: float
) -> None:
    """Backends killed and the database restarted amid requests to two servers: 2xx or 503, and nothing is lost."""
    dice = Random(rounds)
    took = []
    with own_server(syncs=False) as own, ExitStack() as stack:
        url = own.create_database()
        with trigger_core.open(url) as library:
            fill(library, PEOPLE)
            key = library.create_key(ACCOUNT, ("read", "send", "events")).key
        ports = [stack.enter_context(serve(url)) for _ in range(2)]
        with hosts_at(ports, key, dice) as hosts:
            for number in range(rounds):
                time.sleep(dice.random() * 0.5)
                (terminate, restart)[number % 2](own, dice)
                took.append(recovered(ports, key, number))
        assert [wrong for host in hosts for wrong in host.wrong] == []
        assert max(took) < within
        with trigger_core.open(url) as library:
            check(library, Client(ports[0], key), hosts)
    sends = sum(len(host.sends) for host in hosts)
    answers, failed = sum(host.answers for host in hosts), sum(host.failed for host in hosts)
    print(f"{rounds} rounds: {answers} answers, {failed} of them 503, {sends} sends;", end=" ")
    print(f"healthy again after {max(took):.2f} s at most, {sorted(took)[len(took) // 2]:.2f} s mostly")
