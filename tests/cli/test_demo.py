"""The demo: what it shows, that it is alive, and that it leaves nothing behind."""

import json
import shlex
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import socket
from urllib.parse import urlsplit

import pytest

import trigger_core
from tests.cli.conftest import Run, ask, service
from trigger_core import Library
from trigger_core._catalog import checked
from trigger_core.answers import DirectDetails
from trigger_core.demo import ACCOUNT, RATE, Demo
from trigger_core.demo._past import Past
from trigger_core.demo._people import PEOPLE, Person
from trigger_core.demo._present import DUE_STEP, Present
from trigger_core.testing.contract.sending.world import Clock
from trigger_core.worker import Worker
from trigger_sandbox import SandboxSender

NOW = datetime(2025, 11, 23, 10, tzinfo=UTC)
FLOWS = ("direct", "steps", "template_group")
CHANNELS = ("email", "sms", "whatsapp")
READY = {"ready": "trigger-core audit --store", "stream": "stdout", "PATH": "/usr/bin:/bin"}
"""A stranger's shell knows nothing of where this was installed."""


@pytest.fixture
def clock() -> Clock:
    """The demo's clock."""
    return Clock(NOW)


@pytest.fixture
def library(clock: Clock, empty_library: Callable[..., Library]) -> Iterator[Library]:
    """A library on that clock, whose audit finds nothing in the end."""
    with empty_library(clock=clock) as library:
        yield library
        assert list(library.audit()) == []


def commands(said: str) -> list[str]:
    """The commands of an introduction, each in one line."""
    lines = said.replace("\\\n", "").splitlines()
    return [line for line in lines if line.startswith(("curl ", "id=$(")) or " audit --store " in line]


def carry_out(command: str, found: str) -> object:
    """What a curl line is answered with, where `$id` is what was found before."""
    words = shlex.split(command.replace("$id", found).removeprefix("id=$(").partition(" | ")[0])
    assert words[:4] == ["curl", "-s", "-w", "\\n"]
    headers: dict[str, str] = {}
    method, body, url = "", None, ""
    arguments = iter(words[4:])
    for word in arguments:
        if word == "-H":
            name, _, value = next(arguments).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(arguments)
        elif word == "-X":
            method = next(arguments)
        else:
            url = word
    return ask(method or ("GET" if body is None else "POST"), url, headers, body)


def in_a_shell(script: str, folder: Path) -> str:
    """What a shell prints that finds only what every machine has, and has that folder for temporary files."""
    done = subprocess.run(
        ["/bin/sh", "-e"],
        input=script,
        env={"PATH": READY["PATH"], "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@contextmanager
def port_taken(number: int) -> Iterator[None]:
    """A port that this process listens on, unless another one does."""
    with socket() as taken:
        with suppress(OSError):
            taken.bind(("127.0.0.1", number))
            taken.listen()
        yield


def statuses(library: Library) -> dict[str, set[str]]:
    """Which statuses there are of each flow."""
    found: dict[str, set[str]] = defaultdict(set)
    for trigger in library.triggers(ACCOUNT, limit=200).triggers:
        if trigger.flow_type == "direct_channel":
            found["direct"].add(trigger.status)
        else:
            found[library.workflow(ACCOUNT, trigger.id).workflow_type].add(trigger.status)
    return found


def details(library: Library, trigger_id: str) -> DirectDetails:
    """A direct send's, which has jobs."""
    found = library.direct(ACCOUNT, trigger_id)
    assert found.jobs is not None
    return found


def test_demo(tmp_path: Path) -> None:
    """Every printed command does what it says, other commands reach the demo, and Ctrl-C leaves nothing behind.

    Where its port is taken it takes the next free one.
    """
    with port_taken(8080), service("demo", TMPDIR=str(tmp_path), **READY) as running:
        assert urlsplit(running.url).port not in {8080, None}
        *lines, last = commands(running.said)
        assert [line.partition(" ")[0] for line in lines] == [*["curl"] * 6, "id=$(curl", "curl", "curl"]
        found = ""
        answers: list[object] = []
        for line in lines:
            answers.append(carry_out(line, found))
            if line.startswith("id="):
                [made] = answers[-1:]
                assert isinstance(made, dict)
                found = made["trigger_id"]
                assert carry_out(line, "") == made
        cancelled = answers[-1]
        assert isinstance(cancelled, dict)
        assert cancelled["id"] == found
        assert cancelled["status"] in ("cancelled", "processing")  # until what was in hand has ended
        assert in_a_shell(last, tmp_path) == "no difference\n"
        assert running.stop(signal.SIGINT) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_demo_on_a_store(run: Run, tmp_path: Path) -> None:
    """With --store the data stays and a demo can go on with it; another's store is not touched."""
    store = tmp_path / "demo.duckdb"
    for _ in range(2):
        with service("demo", "--store", store, "--port", 0, **READY) as running:
            assert running.stop() == (0, "")
    listed = run("keys", "list", "--store", store, "--account", ACCOUNT, "--json").out.splitlines()
    assert [json.loads(line)["scopes"] for line in listed] == [["read", "send", "events", "catalog"]] * 2
    assert run("keys", "create", "--store", tmp_path / "mine.duckdb", "--account", "acme").code == 0
    refused = run("demo", "--store", tmp_path / "mine.duckdb")
    assert refused.code == 2
    assert "name a new file" in refused.err
    refused = run("demo", "--store", "postgresql://u:secret@db.example/x")
    assert (refused.code, refused.err) == (
        2,
        "trigger-core: a demo keeps its data in a file: name a new one\n",
    )


def test_every_flow_in_every_status(library: Library, clock: Clock) -> None:
    """Soon after the start direct sends, steps and template groups are there in all five statuses."""
    past, present = Past(NOW), Present(library)
    past.tell()
    library.record(past.facts)
    assert statuses(library) == {flow: {"completed", "failed", "cancelled"} for flow in FLOWS}
    present.fill()
    present.begin()
    senders = {channel: SandboxSender(channel, clock=clock) for channel in CHANNELS}
    found = statuses(library)
    with Worker(library, senders, rates=dict.fromkeys(CHANNELS, RATE)) as worker:
        for _ in range(5):
            worker.turn()
            clock.forward(seconds=1)
            for flow, more in statuses(library).items():
                found[flow] |= more
    everything = {"pending", "processing", "completed", "failed", "cancelled"}
    assert found == dict.fromkeys(FLOWS, everything)


def test_counts_move(library: Library, clock: Clock) -> None:
    """A list takes half a minute to go through, events follow, and a step falls due meanwhile."""
    present = Present(library)
    present.fill()
    present.begin()
    direct, series, group = (present.examples[name] for name in ("direct", "steps", "group"))
    before = details(library, direct)
    assert before.jobs is not None
    assert before.jobs.total > PEOPLE
    reasons = {reason.reason.split(" for ")[0] for reason in before.jobs.filter_reasons}
    assert len(reasons) >= 5
    due = library.workflow(ACCOUNT, series).steps[1].scheduled_for
    assert due == NOW + timedelta(seconds=DUE_STEP)
    sent, steps = [], []
    senders = {channel: SandboxSender(channel, clock=clock) for channel in CHANNELS}
    with Worker(library, senders, rates=dict.fromkeys(CHANNELS, 6 * RATE)) as worker:
        for _ in range(5):
            worker.turn()
            clock.forward(seconds=5)
            execution = details(library, direct).execution
            assert execution is not None
            sent.append(execution.sent_count)
            steps.append(tuple(step.status for step in library.workflow(ACCOUNT, series).steps))
        for _ in range(10):  # those that were busy are tried again
            worker.turn()
            clock.forward(seconds=20)
    assert sent == sorted(set(sent))
    assert steps[0][1] == "scheduled"
    after = details(library, direct)
    assert after.jobs is not None
    assert after.jobs.pending == 0
    assert 20 < after.jobs.sent / RATE < 40
    assert after.jobs.failed > 0
    assert after.analytics is not None
    assert after.analytics.delivered > after.jobs.sent / 2
    assert library.trigger(ACCOUNT, group).status == "completed"
    last = [step.status for step in library.workflow(ACCOUNT, series).steps]
    assert last == ["completed", "completed", "scheduled"]


def test_it_goes_on(library: Library) -> None:
    """Each flow has its turn, and each channel."""
    present = Present(library)
    present.fill()
    for _ in range(9):
        present.more()
    kinds = Counter(trigger.trigger_type for trigger in library.triggers(ACCOUNT).triggers)
    assert kinds == {"workflow": 6, "email": 1, "sms": 1, "whatsapp": 1}


def test_the_past_is_the_seeds() -> None:
    """A seed and a moment make the same facts, none of them later; another seed makes others."""

    def facts(seed: int) -> list[object]:
        past = Past(NOW, seed)
        past.tell()
        assert all(getattr(fact, "at", NOW) <= NOW for fact in past.facts)
        return list(past.facts)

    assert facts(1) == facts(1)
    assert facts(1) != facts(2)


def test_people_can_be_reached() -> None:
    """All addresses are right, but for those that are meant to be wrong."""
    wrong: Counter[str] = Counter()
    for number in range(0, PEOPLE, 7):
        contact = checked(Person(number).contact())
        wrong["email"] += contact.email is not None and not contact.email_valid
        wrong["phone"] += contact.phone_number is not None and not contact.phone_number_valid
    assert max(wrong.values()) < PEOPLE / 7 / 20


def test_demo_sends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the context lasts, what was asked for goes out and more is asked for."""
    monkeypatch.setattr("trigger_core.demo._PAUSE", 0.1)
    with trigger_core.open(":memory:") as library, Demo(library) as demo:
        before = len(library.triggers(ACCOUNT, limit=200).triggers)
        demo.start()
        deadline = time.monotonic() + 60
        while not library.trigger(ACCOUNT, demo.examples["direct"]).summary.sent:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        while len(library.triggers(ACCOUNT, limit=200).triggers) < before + 9:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_demo_that_is_not_started() -> None:
    """A demo that ends before it was started ends well."""
    with trigger_core.open(":memory:") as library, Demo(library) as demo:
        assert demo.key


@pytest.mark.deep
def test_the_introduction_can_be_pasted(tmp_path: Path) -> None:
    """A shell carries the printed commands out as they stand."""
    with service("demo", "--port", 0, TMPDIR=str(tmp_path), **READY) as running:
        printed = in_a_shell(running.said[running.said.index("# The newest") :], tmp_path)
    *answers, audited = printed.splitlines()
    assert audited == "no difference"
    [made] = [answer for answer in answers if not answer.startswith("{")]
    documents = [json.loads(answer) for answer in answers if answer.startswith("{")]
    assert len(documents) == 8
    assert not any("title" in document for document in documents)  # as problems have
    assert documents[-2]["trigger_id"] == documents[-1]["id"] == made
