"""The admin socket of a live service."""

import json
import os
import signal
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

import trigger_core
from tests.cli.conftest import PROGRAM, Run, fetch, service
from tests.cli.journals import EXPECTED, TRIGGER, facts, text
from trigger_core import _admin


def test_socket_is_its_owners(served: Path) -> None:
    """The socket lies beside the store, and only its owner may use it."""
    found = os.stat(f"{served}.sock")
    assert stat.S_ISSOCK(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o600


def test_second_service(run: Run, served: Path) -> None:
    """A second service says that the store is served already, and by which process."""
    process = _admin.owner(f"{served}.sock")
    done = run("serve", "--store", served, "--port", "0")
    assert done.code == 2
    assert done.err == f"trigger-core: {served} is served already, by process {process}\n"


def test_service_answers_while_a_journal_comes_in(run: Run, tmp_path: Path) -> None:
    """Keys are made and a journal is recorded through the service while it answers over HTTP."""
    store = tmp_path / "store.duckdb"
    with service("serve", "--store", store, "--port", "0") as running:
        key = run("keys", "create", "--store", store, "--account", "acme").out.split()[-1]
        with subprocess.Popen(
            [*PROGRAM, "record", "-", "--store", store],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as recording:
            assert recording.stdin is not None
            lines = text(facts()).splitlines(keepends=True)
            for line in lines:
                recording.stdin.write(line)
                recording.stdin.flush()
                assert fetch(f"{running.url}/healthz") == {"status": "ok"}
            assert recording.communicate(timeout=60)[0] == EXPECTED
        assert fetch(f"{running.url}/api/v1/triggers/{TRIGGER}", key)["summary"] == {
            "total_contacts": 4,
            "sent": 1,
            "failed": 1,
            "filtered": 1,
        }
        assert running.stop()[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store.duckdb"]


def test_killed_service_leaves_a_socket_that_the_next_removes(run: Run, tmp_path: Path) -> None:
    """After kill -9 commands open the store themselves, and the next service takes the socket's place."""
    store = tmp_path / "store.duckdb"
    with service("serve", "--store", store, "--port", "0") as running:
        assert run("keys", "create", "--store", store, "--account", "acme").code == 0
        running.stop(signal.SIGKILL)
    assert Path(f"{store}.sock").exists()
    assert len(run("keys", "list", "--store", store, "--account", "acme", "--json").out.splitlines()) == 1
    with service("serve", "--store", store, "--port", "0") as running:
        assert run("health", "--store", store).code == 0
        assert running.stop(signal.SIGTERM)[0] == 0
    assert not Path(f"{store}.sock").exists()


def test_long_paths(run: Run, tmp_path: Path) -> None:
    """A store whose path is too long for a socket is reached all the same, whatever temporary directories there are."""
    store = tmp_path / ("x" * 120) / "store.duckdb"
    store.parent.mkdir()
    [address] = _admin.addresses(str(store))
    for number in (signal.SIGKILL, signal.SIGTERM):
        with service("serve", "--store", store, "--port", "0", TMPDIR=str(store.parent)) as running:
            assert run("health", "--store", store).out == "ok\n"
            assert stat.S_IMODE(Path(address).parent.stat().st_mode) == 0o700
            running.stop(number)
    assert not Path(address).exists()


def test_a_folder_without_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none can be beside the store, it is in a directory of the user's; one that others can enter is not used."""
    with TemporaryDirectory() as folder:
        elsewhere, store = Path(folder) / "elsewhere", f"{folder}/store"
        monkeypatch.setattr(_admin, "_elsewhere", lambda: str(elsewhere))
        Path(f"{store}.sock").write_text("mine")
        with _admin.Server(store, nothing) as server:
            assert Path(server.address).parent == elsewhere
            assert _admin.socket_of(store) == server.address
        elsewhere.chmod(0o755)
        with pytest.raises(trigger_core.errors.StoreError, match=r"a file of that name; .* only its owner"):
            _admin.Server(store, nothing)
        assert Path(f"{store}.sock").read_text() == "mine"
        assert _admin.socket_of(store) is None


def nothing(command: str, arguments: Mapping[str, Any], streams: _admin.Streams) -> int:
    return 0


class Recorded:
    """Streams that keep what they are told."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.told: list[Any] = []

    def source(self) -> Any:
        assert self.path
        return self.path.open("rb")

    def out(self, data: bytes) -> None:
        self.told.append(("out", data))

    def error(self, text: str) -> None:
        self.told.append(("error", text))

    def progress(self, what: str, done: int, total: int | None) -> None:
        self.told.append(("progress", what, done, total))


def test_everything_goes_over_the_socket(tmp_path: Path) -> None:
    """Arguments, a journal, results, messages, progress and the exit code arrive as they were sent, in order."""
    journal = tmp_path / "journal"
    journal.write_bytes(os.urandom(3_000_000))

    def echo(command: str, arguments: Mapping[str, Any], streams: _admin.Streams) -> int:
        streams.progress(command, 1, None)
        with streams.source() as source:
            data = source.read()
        streams.out(data)
        streams.error(arguments["é"])
        streams.out(b"end")
        return 7

    streams = Recorded(journal)
    with _admin.Server(str(tmp_path / "store"), echo) as server:
        assert _admin.owner(server.address) == os.getpid()
        assert _admin.ask(server.address, "copy", {"é": "\ud800 ü"}, streams, sends=True) == 7
    assert streams.told[0] == ("progress", "copy", 1, None)
    assert streams.told[-2:] == [("error", "? ü"), ("out", b"end")]
    assert b"".join(data for _, data in streams.told[1:-2]) == journal.read_bytes()


def test_broken_requests(tmp_path: Path) -> None:
    """What is no request is refused or dropped; the service goes on."""
    request = json.dumps({"command": "c", "arguments": {}}).encode()
    frames = (
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        b"r\xff\xff\xff\xff",
        b"r\0\0\0\x02{}",
        b"r\0\0\0\x02[]",
        b"r\0\0\0\x01\xff",
        b"d" + len(request).to_bytes(4, "big") + request,
        b"r" + len(request).to_bytes(4, "big") + request[:-1],
    )
    with _admin.Server(str(tmp_path / "store"), nothing) as server:
        for frame in frames:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(server.address)
                connection.sendall(frame)
                connection.shutdown(socket.SHUT_WR)
                answer = connection.makefile("rb").read()
            assert answer == b"" or answer.endswith(b"x\0\0\0\x012")
        assert _admin.ask(server.address, "c", {}, Recorded()) == 0


def test_failures_are_not_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A command that fails as nobody foresaw tells the caller only that; the log has where, but not its text."""

    def fail(command: str, arguments: Mapping[str, Any], streams: _admin.Streams) -> int:
        raise KeyError(arguments["contact"])

    streams = Recorded()
    with _admin.Server(str(tmp_path / "store"), fail) as server:
        assert _admin.ask(server.address, "c", {"contact": "a@b.c"}, streams) == 2
    assert streams.told == [("error", "the service failed to do it (KeyError); its log says more")]
    assert "builtins.KeyError" in caplog.text
    assert "test_admin.py" in caplog.text
    assert "a@b.c" not in caplog.text


def test_too_many_commands(tmp_path: Path) -> None:
    """Beyond a bound, commands are refused instead of waiting."""
    begun, release = threading.Semaphore(0), threading.Event()

    def wait(command: str, arguments: Mapping[str, Any], streams: _admin.Streams) -> int:
        begun.release()
        return 0 if release.wait(30) else 1

    codes: list[int] = []
    refused = Recorded()
    with _admin.Server(str(tmp_path / "store"), wait) as server:

        def ask() -> None:
            codes.append(_admin.ask(server.address, "c", {}, Recorded()))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        assert all(begun.acquire(timeout=30) for _ in threads)
        assert _admin.ask(server.address, "c", {}, refused) == 2
        release.set()
        for thread in threads:
            thread.join()
        assert _admin.ask(server.address, "c", {}, Recorded()) == 0
    assert refused.told == [("error", "the service carries out as many commands as it can; try again")]
    assert codes == [0] * 8


def test_broken_off_journal_is_not_recorded(tmp_path: Path) -> None:
    """A journal whose sender goes away before its end is not recorded, nor one whose service does."""
    with trigger_core.open(":memory:") as library:
        failed = threading.Event()

        def record(command: str, arguments: Mapping[str, Any], streams: _admin.Streams) -> int:
            try:
                trigger_core.journal.record(library, streams.source())
            finally:
                failed.set()
            return 0

        lines = text(facts()).encode()
        request = json.dumps({"command": "record", "arguments": {}}).encode()
        with _admin.Server(str(tmp_path / "store"), record) as server:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(server.address)
                connection.sendall(b"r" + len(request).to_bytes(4, "big") + request)
                connection.sendall(b"d" + len(lines).to_bytes(4, "big") + lines)
            assert failed.wait(30)
        with pytest.raises(trigger_core.errors.NotFound):
            library.trigger("acme", TRIGGER)


def test_service_that_ends(tmp_path: Path) -> None:
    """A command whose service ends before it answered fails as one that may be tried again."""
    started = threading.Event()

    def read(command: str, arguments: Mapping[str, Any], streams: _admin.Streams) -> int:
        started.set()
        streams.source().read()
        return 0

    server = _admin.Server(str(tmp_path / "store"), read)

    def close() -> None:
        started.wait(30)
        server.close()

    closer = threading.Thread(target=close)
    closer.start()
    with pytest.raises(trigger_core.errors.StoreUnavailable, match="ended before"):
        _admin.ask(server.address, "c", {}, Recorded())
    closer.join()


def test_store_in_use_by_others(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that a process without a socket has open is waited for a moment, then named with that process."""
    store = tmp_path / "store.duckdb"
    program = f"import trigger_core; trigger_core.open({str(store)!r}); print('open', flush=True); input()"
    monkeypatch.setattr("trigger_core.cli._store._PATIENCE", 0.3)
    with subprocess.Popen(
        [PROGRAM[0], "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        done = run("health", "--store", store)
        assert done.code == 2
        assert f"open in process {holder.pid}" in done.err
        holder.communicate("\n")
    assert run("health", "--store", store).code == 0


def test_interrupt(served: Path) -> None:
    """Ctrl-C ends a command quietly with 130."""
    with subprocess.Popen(
        [*PROGRAM, "record", "-", "--store", served], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        process.stdin.write(text(facts()))
        process.stdin.flush()
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == ""
    assert process.returncode == 130


def test_port_in_use(run: Run, tmp_path: Path) -> None:
    """A port that is taken is an error in one line, and the store is closed again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--store", tmp_path / "store.duckdb", "--port", port)
    assert done.code == 2
    assert done.err.splitlines()[-1].startswith("trigger-core: Address already in use")
    assert run("health", "--store", tmp_path / "store.duckdb").code == 0


def test_path_of() -> None:
    """A store is known by its file's real path, however it is named; one without a file has none."""
    assert _admin.path_of("duckdb:///tmp/../a/b.duckdb") == "/a/b.duckdb"
    assert _admin.path_of(":memory:") is None
    assert _admin.path_of("postgresql://localhost/x") is None
