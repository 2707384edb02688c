"""Sending from the command line: `serve --worker`, and `worker` alone."""

import json
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

import trigger_core
from tests.cli.conftest import PROGRAM, Run, fetch, post, service
from tests.senders.servers import receiving
from trigger_core.catalog import Contact, ContactList, Template, TemplateVariant
from trigger_core.sending import Send

SECRET = "s3cret-horse"  # noqa: S105


def fill(path: Path, people: int = 3) -> None:
    """A store with contacts and templates of the account acme."""
    with trigger_core.open(path) as library:
        for channel in ("email", "sms"):
            hello = TemplateVariant(approved=True, text="Hello", subject="Hi" if channel == "email" else None)
            library.catalog.put(
                "acme", Template(key="hello", channel=channel, variants=(hello,), currency="USD")
            )
        library.catalog.put_contacts(
            "acme",
            [
                Contact(
                    external_id=f"user_{n}", phone_number=f"+1415555{n:04}", email=f"user_{n}@example.org"
                )
                for n in range(people)
            ],
        )
        library.catalog.put(
            "acme", ContactList(name="everyone", contacts=tuple(f"user_{n}" for n in range(people)))
        )


def ended(url: str, key: str) -> dict[str, object]:
    """A trigger once it isn't under way any more."""
    deadline = time.monotonic() + 30
    while True:
        trigger: dict[str, object] = fetch(url, key)
        if trigger["status"] not in ("pending", "processing"):
            return trigger
        assert time.monotonic() < deadline, trigger
        time.sleep(0.1)


def test_serve_with_a_worker(run: Run, tmp_path: Path) -> None:
    """What comes over HTTP is sent by the senders that were named, and a signal ends it well."""
    store = tmp_path / "store.duckdb"
    fill(store)
    with receiving() as inbox:
        url = f"smtp://127.0.0.1:{inbox.port}?from=hi@acme.example&security=none"
        with service(
            *("serve", "--store", store, "--port", 0, "--worker", "--rate", "sms=1000"),
            *("--sender", f"email={url}", "--sender", "sms=sandbox:"),
        ) as running:
            assert "sending email by smtp, sms by sandbox\n" in running.said
            made = run("keys", "create", "--store", store, "--account", "acme", "--scopes", "read,send")
            key = made.out.split()[-1]
            for channel in ("email", "sms"):
                sent = post(
                    f"{running.url}/api/v1/messages/{channel}/send",
                    key,
                    {"template_key": "hello", "list_name": "everyone"},
                )
                trigger = ended(f"{running.url}/api/v1/triggers/{sent['trigger_id']}", key)
                assert (trigger["status"], trigger["summary"]) == (
                    "completed",
                    {"total_contacts": 3, "sent": 3, "failed": 0, "filtered": 0},
                )
            assert running.stop(signal.SIGTERM) == (0, "")
        assert sorted(envelope.rcpt_tos[0] for envelope in inbox.envelopes) == [
            f"user_{n}@example.org" for n in range(3)
        ]
    assert run("audit", "--store", store).out == "no difference\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_worker_alone(run: Run, tmp_path: Path, number: int) -> None:
    """A worker sends what another process planned, other commands work beside it, and a signal ends it well."""
    store = tmp_path / "store.duckdb"
    fill(store)
    with trigger_core.open(store) as library:
        request = Send(channel="sms", template_key="hello", list_name="everyone")
        trigger_id = library.send("acme", request).trigger_id
    with service("worker", "--store", store, "--sender", "sms=sandbox:", ready="sending") as running:
        assert running.said == f"sending sms by sandbox for duckdb://{store}; Ctrl-C stops it\n"
        deadline = time.monotonic() + 30
        while '"outcome":"sent"' not in run("export", "--store", store, trigger_id).out:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        busy = run("worker", "--store", store, "--sender", "sms=sandbox:")
        assert (busy.code, busy.err) == (
            2,
            f"trigger-core: {store} is served already, by process {running.process.pid}\n",
        )
        assert running.stop(number) == (0, "")
    with trigger_core.open(store) as library:
        assert library.trigger("acme", trigger_id).summary.sent == 3


def test_how_often_is_tried(run: Run, tmp_path: Path) -> None:
    """A message is tried as often as was asked for while its sender can't be reached, then it is failed."""
    store = tmp_path / "store.duckdb"
    fill(store, 1)
    with trigger_core.open(store) as library:
        request = Send(channel="email", template_key="hello", contact_external_id="user_0")
        trigger_id = library.send("acme", request).trigger_id
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    patience = ("--attempts", 2, "--pause", "1s", "--give-up-after", "1h")
    sender = f"email=smtp://127.0.0.1:{port}?from=hi@acme.example&security=none"
    with service("worker", "--store", store, "--sender", sender, *patience, ready="sending") as running:
        deadline = time.monotonic() + 30
        while '"outcome":"failed"' not in (journal := run("export", "--store", store, trigger_id).out):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert running.stop(signal.SIGTERM) == (0, "")
    assert journal.count('"kind":"attempt"') == 2


def test_a_signal_lets_a_batch_end(tmp_path: Path) -> None:
    """What is in hand when the signal comes is sent and recorded; what isn't stays for the next worker."""
    store = tmp_path / "store.duckdb"
    fill(store, 50)
    with trigger_core.open(store) as library:
        request = Send(channel="email", template_key="hello", list_name="everyone")
        trigger_id = library.send("acme", request).trigger_id
    with receiving() as inbox:
        inbox.pause = 0.1
        url = f"email=smtp://127.0.0.1:{inbox.port}?from=hi@acme.example&security=none"
        with service("worker", "--store", store, "--sender", url, ready="sending") as running:
            deadline = time.monotonic() + 30
            while not inbox.envelopes:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert running.stop() == (0, "")
        sent = len(inbox.envelopes)
    with trigger_core.open(store) as library:
        summary = library.trigger("acme", trigger_id).summary
        assert (summary.sent, summary.failed) == (sent, 0)
        assert sent < 50


def test_a_killed_worker(run: Run, tmp_path: Path) -> None:
    """After kill -9 nobody gets an e-mail twice and no job is stuck: the batch in hand ends as in doubt."""
    store = tmp_path / "store.duckdb"
    fill(store, 50)
    with trigger_core.open(store) as library:
        request = Send(channel="email", template_key="hello", list_name="everyone")
        trigger_id = library.send("acme", request).trigger_id
    with receiving() as inbox:
        inbox.pause = 0.1
        url = f"email=smtp://127.0.0.1:{inbox.port}?from=hi@acme.example&security=none"
        deadline = time.monotonic() + 60
        with service("worker", "--store", store, "--sender", url, ready="sending") as running:
            while not inbox.envelopes:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            running.stop(signal.SIGKILL)
        inbox.pause = 0
        with service("worker", "--store", store, "--sender", url, ready="sending") as running:
            while run("export", "--store", store, trigger_id).out.count('"kind":"outcome"') < 50:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert running.stop()[0] == 0
        addresses = [envelope.rcpt_tos[0] for envelope in inbox.envelopes]
    assert len(addresses) == len(set(addresses))
    with trigger_core.open(store) as library:
        summary = library.trigger("acme", trigger_id).summary
        assert (summary.sent, summary.failed) == (30, 20)
        execution = library.direct("acme", trigger_id).execution
        assert execution is not None
        failed = library.jobs("acme", execution.id, status="failed").jobs
        assert {job.error.code for job in failed if job.error} == {"in_doubt"}
        assert list(library.audit()) == []


def test_worker_makes_no_store(run: Run, tmp_path: Path) -> None:
    """A worker of a store that isn't there has nothing to do: a mistyped path is an error."""
    done = run("worker", "--store", tmp_path / "typo.duckdb", "--sender", "sms=sandbox:")
    assert done.code == 2
    assert "there is no store" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["serve", "--worker"], "who sends? give --sender CHANNEL=URL"),
        (["worker"], "who sends? give --sender CHANNEL=URL"),
        (["serve", "--sender", "sms=sandbox:"], "give --worker, too"),
        (["serve", "--rate", "sms=1"], "give --worker, too"),
        (["worker", "--sender", "sandbox:"], "--sender: must have a = in it"),
        (["worker", "--sender", "fax=sandbox:"], "--sender: must be one of email, sms, whatsapp"),
        (
            ["worker", "--sender", "sms=twilio:"],
            "sender: must be a URL that begins with sandbox:, smtp:, smtps:",
        ),
        (["worker", "--sender", "sms=sandbox:", "--sender", "sms=sandbox:"], "must be given once for sms"),
        (
            ["worker", "--sender", "sms=sandbox:", "--rate", "email=1"],
            "must be for a channel that has a --sender",
        ),
        (["worker", "--sender", "sms=sandbox:", "--rate", "sms=0"], "a number of messages a second above 0"),
        (
            ["worker", "--sender", "sms=sandbox:", "--rate", "sms=inf"],
            "a number of messages a second above 0",
        ),
        (
            ["worker", "--sender", "sms=sandbox:", "--rate", "sms=fast"],
            "a number of messages a second above 0",
        ),
        (["serve", "--attempts", "3"], "--attempts is for a worker: give --worker, too"),
        (["worker", "--sender", "sms=sandbox:", "--attempts", "0"], "--attempts: must be"),
        (["worker", "--sender", "sms=sandbox:", "--pause", "30"], "--pause: must be a time such as 30s"),
        (["worker", "--sender", "sms=sandbox:", "--give-up-after", "0d"], "--give-up-after: must be above 0"),
        (["worker", "--sender", "sms=smtp://h?from=a@b.example"], "SMTP is for email"),
        (
            ["worker", "--sender", f"email=smtp://u:{SECRET}@h?from=a@b.example"],
            "set TRIGGER_CORE_SMTP_PASSWORD",
        ),
        (["worker", "--sender", f"email=u:{SECRET}@h"], "must be a URL that begins with"),
        (["worker", "--sender", f"smtp://u:{SECRET}@h"], "must have a = in it"),
    ],
)
def test_wrong_senders(run: Run, tmp_path: Path, arguments: list[str], problem: str) -> None:
    """What can't be is refused with what would be right and without secrets, before a store is made."""
    done = run(*arguments, "--store", tmp_path / "new.duckdb")
    assert (done.code, done.out) == (2, "")
    assert problem in done.err
    assert SECRET not in done.err
    assert list(tmp_path.iterdir()) == []


def test_the_password_is_nowhere_shown(tmp_path: Path) -> None:
    """A password from the environment is used for the login, and in no message, also where the login fails."""
    store = tmp_path / "store.duckdb"
    fill(store)
    with trigger_core.open(store) as library:
        request = Send(channel="email", template_key="hello", list_name="everyone")
        trigger_id = library.send("acme", request).trigger_id
    with (
        receiving() as inbox,
        service(
            *("worker", "--store", store),
            *("--sender", f"email=smtp://acme@127.0.0.1:{inbox.port}?from=hi@acme.example"),
            ready="sending",
            TRIGGER_CORE_SMTP_PASSWORD=SECRET,
        ) as running,
    ):
        deadline = time.monotonic() + 30
        while True:
            assert time.monotonic() < deadline
            exported = subprocess.run(
                [*PROGRAM, "export", "--store", store, trigger_id], capture_output=True, text=True, check=True
            ).stdout
            if '"kind":"attempt"' in exported:
                break
        code, err = running.stop()
        assert (code, inbox.envelopes) == (0, [])
        assert SECRET not in running.said + err + exported
    errors = [json.loads(line).get("error") for line in exported.splitlines() if '"attempt"' in line]
    assert {error["code"] for error in errors} == {"not_supported"}
