"""Servers and workers that are killed at any moment send nothing twice, lose nothing, and end every job once."""

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPException
from pathlib import Path
from random import Random
from threading import Semaphore
from typing import Any

import pytest
from attrs import define, field

import trigger_core
from tests.sending import service
from tests.sending.client import WAIT, Answer, Client
from trigger_core import Library
from trigger_core.catalog import Workflow, WorkflowStep
from trigger_core.testing.contract.sending.world import ACCOUNT, fill

ROOT = Path(__file__).parents[2]
PEOPLE = 5
HOSTS = 8
SERVICES = 3
LEASE = 5.0
"""Seconds; a process must not be held up for longer than this."""

LEFT = ("scheduled_steps", "audiences", "dispatches", "retries", "claims")
"""Tables that are empty once nothing is to be sent."""


@define
class Place:
    """Where the service is, while it is, and how many answers it gave."""

    port: int | None = None
    answers: Semaphore = field(factory=partial(Semaphore, 0))


class Host:
    """Somebody who asks for one thing after the other, each again with its key until it is answered."""

    def __init__(self, name: str, key: str, place: Place, dice: Random) -> None:
        self.triggers: dict[str, str] = {}
        self.cancelled: list[str] = []
        self.asked_again = 0
        self.wrong: list[str] = []
        self._name = name
        self._key = key
        self._place = place
        self._dice = dice
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._live)

    def __enter__(self) -> "Host":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def _live(self) -> None:
        while not self._ends.is_set():
            name = f"{self._name}-{len(self.triggers)}"
            ask = self._dice.choice((self._send, self._send, self._run, self._cancel, self._report))
            ask(name)

    def _send(self, name: str) -> None:
        channel = self._dice.choice(list(service.IDEMPOTENT))
        self._trigger(name, f"messages/{channel}/send", {"template_key": "hello", **self._whom()})

    def _run(self, name: str) -> None:
        """Channels side by side, or three steps of which the last is due in a moment."""
        soon = self._dice.random() - 60
        run = self._dice.choice(
            (
                {"workflow_name": "Group"},
                {
                    "workflow_name": "Minute",
                    "scheduled_at": (datetime.now(UTC) + timedelta(seconds=soon)).isoformat(),
                },
            )
        )
        self._trigger(name, "workflows/trigger", run | self._whom())

    def _whom(self) -> dict[str, Any]:
        if self._dice.random() < 0.5:
            return {"list_name": "everyone"}
        return {"contact_external_id": f"user_{self._dice.randint(1, PEOPLE + 1)}"}

    def _trigger(self, name: str, path: str, body: dict[str, Any]) -> None:
        body["campaign_name"] = name
        answer = self._answered(path, body, 202, name)
        if answer is None:
            return
        self.triggers[name] = answer.json["trigger_id"]
        if self._dice.random() < 0.1:
            again = self._answered(path, body, 202, name)
            if again is not None and again.body != answer.body:
                self.wrong.append(f"{name} was answered {answer.body!r}, then {again.body!r}")

    def _cancel(self, _: str) -> None:
        if self.triggers:
            trigger_id = self._some_trigger()
            answer = self._answered(f"triggers/{trigger_id}/cancel", {}, 200)
            if answer is not None and answer.json["status"] == "cancelled":
                self.cancelled.append(trigger_id)

    def _report(self, _: str) -> None:
        event = {"event_id": "e", "type": "opened", "occurred_at": datetime.now(UTC).isoformat()}
        target = {"execution_id": self._some_trigger(), "job_id": "1"} if self.triggers else None
        named = {"provider": "outbox", "provider_message_id": "nobody's"}
        self._answered("events", {"events": [event | (target or named)]}, 200)

    def _some_trigger(self) -> str:
        return self._dice.choice(list(self.triggers.values())[-20:])

    def _answered(self, path: str, body: object, status: int, key: str | None = None) -> Answer | None:
        """The answer, however often it has to be asked for; None where all ends before there is one."""
        headers = {} if key is None else {"Idempotency_Key": key}
        first = True
        while not self._ends.is_set():
            port = self._place.port
            if port is not None:
                self.asked_again += not first
                first = False
                try:
                    answer = Client(port, self._key)("POST", f"/api/v1/{path}", body, **headers)
                except (OSError, HTTPException):
                    pass
                else:
                    self._place.answers.release()
                    if answer.status == status:
                        return answer
                    if answer.status not in (409, 503):
                        self.wrong.append(f"{path} was answered {answer.status} {answer.body!r}")
                        return None
            time.sleep(0.005)
        return None


def command(store: Path | str, outbox: Path) -> list[str]:
    """Starts the service."""
    return [sys.executable, "-m", "tests.sending.service", str(store), str(outbox), str(LEASE)]


@contextmanager
def running(store: str, outbox: Path, place: Place) -> Iterator[None]:
    """The service, until it is killed at the end."""
    with subprocess.Popen(command(store, outbox), cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            place.port = int(process.stdout.readline())
            yield
        finally:
            process.kill()
            place.port = None


def lived(store: Path, outbox: Path, place: Place, dice: Random) -> bool:
    """Starts the service and kills it, mostly amid its work; whether it had started."""
    with subprocess.Popen(command(store, outbox), cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        chance = dice.random()
        if chance < 0.85:
            place.port = int(process.stdout.readline())
        if chance < 0.6:
            while place.answers.acquire(blocking=False):
                pass
            for _ in range(dice.randrange(1, 30)):
                place.answers.acquire(timeout=WAIT)
            time.sleep(dice.random() * 0.05)
        else:
            time.sleep(dice.random() * 0.5)
        process.kill()
    was_up, place.port = place.port is not None, None
    return was_up


def left(library: Library) -> dict[str, int]:
    """How much is still to be sent, by table."""
    count = {table: library.store.table(f"select count(*) from {table}", {})[1][0][0] for table in LEFT}  # noqa: S608
    return {table: number for table, number in count.items() if number}


def prepared(store: Path | str) -> str:
    """A store with the catalog and a workflow of which a step is due after a minute; a key."""
    with trigger_core.open(store) as library:
        fill(library, PEOPLE)
        steps = tuple(
            WorkflowStep(
                step_id=f"s{place}",
                step_name=channel,
                channel=channel,
                template_key="hello",
                delay_minutes=place // 2,
            )
            for place, channel in enumerate(service.IDEMPOTENT)
        )
        library.catalog.put(ACCOUNT, Workflow(name="Minute", steps=steps))
        return library.create_key(ACCOUNT, ("read", "send", "events")).key


def finished(library: Library, outbox: Path) -> None:
    """Sends all that is still to be sent."""
    with service.worker(library, outbox, timedelta(seconds=LEASE)) as worker:
        worker.start()
        deadline = time.monotonic() + 600
        while still := left(library):
            assert time.monotonic() < deadline, still
            time.sleep(0.02)


def check(library: Library, outbox: Path, hosts: Sequence[Host]) -> Counter[str]:
    """Fails unless each message was sent once at most, and each job says what became of it; how many ended how."""
    assert [wrong for host in hosts for wrong in host.wrong] == []
    assert list(library.audit()) == []
    triggers = library.store.table(
        "select t.campaign_name, t.trigger_id::varchar, s.status"
        " from triggers as t inner join trigger_status as s on t.trigger_id = s.trigger_id",
        {},
    )[1]
    names = Counter(name for name, _, _ in triggers)
    answered = {name: trigger_id for host in hosts for name, trigger_id in host.triggers.items()}
    unanswered = names.keys() - answered.keys()
    assert set(names.values()) <= {1}
    assert len(unanswered) <= len(hosts)  # the last that each asked for
    assert answered == {name: trigger_id for name, trigger_id, _ in triggers if name not in unanswered}
    statuses = {trigger_id: status for _, trigger_id, status in triggers}
    assert set(statuses.values()) <= {"completed", "failed", "cancelled"}
    assert {statuses[trigger_id] for host in hosts for trigger_id in host.cancelled} <= {"cancelled"}

    tokens = service.taken(outbox)
    attempts = {
        (execution_id, job_id, n): code
        for execution_id, job_id, n, code in library.store.table(
            "select execution_id::varchar, job_id, n, error_code from attempts", {}
        )[1]
    }
    jobs = library.store.table(
        "select e.channel, j.execution_id::varchar, j.job_id, t.cancelled_at is not null, j.code,"
        " j.sent_at is not null, j.failed_at is not null, j.filtered_at is not null"
        " from jobs as j inner join executions as e on j.execution_id = e.execution_id"
        " inner join triggers as t on j.trigger_id = t.trigger_id",
        {},
    )[1]
    found: Counter[str] = Counter()
    sent: dict[str, set[str]] = {channel: set() for channel in service.IDEMPOTENT}
    doubtful: dict[str, set[str]] = {channel: set() for channel in service.IDEMPOTENT}
    for channel, execution_id, job_id, is_cancelled, code, *ends in jobs:
        assert sum(ends) == 1 or (is_cancelled and not any(ends))
        outcome = dict(zip(ends, ("sent", "failed", "filtered"), strict=True)).get(True, "cancelled")
        found[f"{channel} {'in doubt' if code == 'in_doubt' else outcome}"] += 1
        if outcome == "sent":
            sent[channel].add(f"{execution_id}:{job_id}")
        elif code == "in_doubt":
            doubtful[channel].add(f"{execution_id}:{job_id}")
    for channel, is_idempotent in service.IDEMPOTENT.items():
        whose = [token.rsplit(":", 1) for token in tokens[channel]]
        assert len(tokens[channel]) == len({job for job, _ in whose})
        for job, n in whose:
            execution_id, job_id = job.split(":")
            codes = [attempts[execution_id, int(job_id), each] for each in range(1, int(n) + 1)]
            assert codes[:-1] == ["busy"] * (int(n) - 1)
            assert codes[-1] == (None if job in sent[channel] else "in_doubt")
        assert sent[channel] <= {job for job, _ in whose} <= sent[channel] | doubtful[channel]
        assert not (is_idempotent and doubtful[channel])
    return found


@pytest.mark.parametrize(
    "kills", [pytest.param(3, id="short"), pytest.param(100, id="long", marks=pytest.mark.deep)]
)
def test_nothing_is_sent_twice(tmp_path: Path, kills: int) -> None:
    """Killed again and again while it is asked for more, the service ends each job once and keeps every promise."""
    store, outbox = tmp_path / "store.duckdb", tmp_path / "outbox"
    dice = Random(kills)
    key, place, times = prepared(store), Place(), 0
    hosts = [Host(f"host{number}", key, place, Random(dice.random())) for number in range(HOSTS)]
    with ExitStack() as stack:
        for host in hosts:
            stack.enter_context(host)
        for _ in range(kills):
            times += lived(store, outbox, place, dice)
            with trigger_core.open(store) as library:
                assert list(library.audit()) == []
    with trigger_core.open(store) as library:
        finished(library, outbox)
        found = check(library, outbox, hosts)
    tell(f"{kills} kills, {times} amid work", hosts, found)


@pytest.mark.deep
def test_nothing_is_sent_twice_by_several(tmp_path: Path, postgres_url: str) -> None:
    """Three services share the work of one database; each is killed in turn, and others end what it had in hand."""
    kills, outbox, dice = 12, tmp_path / "outbox", Random(3)
    key, places = prepared(postgres_url), [Place() for _ in range(SERVICES)]
    hosts = [
        Host(f"host{number}", key, places[number % SERVICES], Random(dice.random()))
        for number in range(HOSTS)
    ]
    with trigger_core.open(postgres_url) as library:
        with ExitStack() as stack:
            services = [ExitStack() for _ in places]
            for place, each in zip(places, services, strict=True):
                stack.enter_context(each).enter_context(running(postgres_url, outbox, place))
            for host in hosts:
                stack.enter_context(host)
            for turn in range(kills):
                place, each = places[turn % SERVICES], services[turn % SERVICES]
                for _ in range(dice.randrange(1, 30)):
                    place.answers.acquire(timeout=WAIT)
                each.close()
                assert list(library.audit()) == []
                each.enter_context(running(postgres_url, outbox, place))
        finished(library, outbox)
        found = check(library, outbox, hosts)
    tell(f"{kills} kills of {SERVICES} services", hosts, found)


def tell(what: str, hosts: Sequence[Host], found: Counter[str]) -> None:
    """Says how much was done."""
    triggers, cancelled, again = (
        sum(each)
        for each in zip(*((len(h.triggers), len(h.cancelled), h.asked_again) for h in hosts), strict=True)
    )
    print(
        f"{what}: {triggers} triggers, {cancelled} cancelled, {again} asked again;",
        end=" ",
    )
    print(", ".join(f"{count} {how}" for how, count in sorted(found.items())))
