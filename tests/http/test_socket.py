"""The server that is really used, over real sockets."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import IO

import pytest
from attrs import frozen

from tests.http.problems import assert_problem
from tests.http.world import JOBS, TRIGGER, World
from trigger_falcon import create_app, serve
from trigger_falcon._bodies import MOST_BYTES, MOST_BYTES_OF_MANY
from trigger_falcon._server import Server

ROOT = Path(__file__).parents[2]
WAIT = 20.0


@pytest.fixture(scope="module")
def server(world: World) -> Iterator[Server]:
    server = Server(create_app(world.library), "127.0.0.1", 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server
    server.stop()
    thread.join(WAIT)
    server.close()
    assert not thread.is_alive()


@frozen
class Answer:
    status_code: int
    headers: dict[str, str]
    content: bytes


class Connection:
    """One kept connection, as a client with a key has it."""

    def __init__(self, server: Server, key: str) -> None:
        self._http = HTTPConnection(server.host, server.port, timeout=WAIT)
        self._http.connect()
        self._first = self._http.sock
        self._key = key

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._http.request(method, path, body, {"X-API-Key": self._key} | named)
        response = self._http.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    @property
    def is_kept(self) -> bool:
        return self._http.sock is self._first

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def connection(server: Server, world: World) -> Iterator[Connection]:
    with closing(Connection(server, world.key)) as connection:
        yield connection


def raw(server: Server, request: bytes) -> tuple[int, bytes]:
    """The status and all the rest of what a new connection gets until the server closes it."""
    with socket.create_connection((server.host, server.port), timeout=WAIT) as sock:
        sock.sendall(request)
        answer = b""
        with suppress(ConnectionResetError):  # where the server closes before it has read everything
            while received := sock.recv(65536):
                answer += received
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    assert found is not None
    return int(found[1]), answer


def request(path: str, *lines: str, version: str = "1.1") -> bytes:
    return "\r\n".join([f"GET {path} HTTP/{version}", "Host: localhost", *lines, "", ""]).encode("latin-1")


def test_a_connection_is_kept(connection: Connection) -> None:
    """Documents, lists, problems and options follow each other on one connection."""
    document = connection.ask(TRIGGER).content
    for path, method, status in (
        (TRIGGER, "GET", 200),
        (JOBS, "GET", 200),
        ("/nowhere", "GET", 404),
        (TRIGGER, "POST", 405),
        (TRIGGER, "OPTIONS", 200),
        (TRIGGER, "GET", 200),
    ):
        answer = connection.ask(path, method)
        assert answer.status_code == status
        assert "connection" not in answer.headers
    assert connection.ask(TRIGGER).content == document
    assert connection.is_kept


def test_polls_that_find_nothing_new_keep_the_connection(connection: Connection) -> None:
    """A 304 has no body and leaves the connection open for the next poll."""
    document = connection.ask(TRIGGER)
    for _ in range(3):
        answer = connection.ask(TRIGGER, If_None_Match=document.headers["etag"])
        assert (answer.status_code, answer.content) == (304, b"")
        assert "connection" not in answer.headers
    assert connection.ask(TRIGGER).content == document.content
    assert connection.is_kept


def test_head_has_no_body_and_keeps_the_connection(connection: Connection) -> None:
    """HEAD ends with its headers, and the next answer is whole."""
    head, get = connection.ask(TRIGGER, "HEAD"), connection.ask(TRIGGER)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(get.content))
    assert connection.is_kept


def test_a_client_that_asks_to_close_gets_a_close(
    server: Server, world: World, connection: Connection
) -> None:
    """Connection: close and HTTP/1.0 end the connection, after a 304 as well."""
    etag = connection.ask(TRIGGER).headers["etag"]
    lines = (f"X-API-Key: {world.key}", f"If-None-Match: {etag}")
    status, answer = raw(server, request(TRIGGER, *lines, "Connection: close"))
    assert (status, answer.count(b"Connection: close")) == (304, 1)
    assert raw(server, request(TRIGGER, *lines, version="1.0"))[0] == 304


def test_requests_sent_at_once_are_answered_in_order(server: Server, world: World) -> None:
    """Pipelined requests get their answers in order."""
    key = f"X-API-Key: {world.key}"
    _, answer = raw(server, request(TRIGGER, key) + request(JOBS, key) + request("/x", "Connection: close"))
    assert re.findall(rb"HTTP/1\.1 (\d{3})", answer) == [b"200", b"200", b"404"]


def test_a_problem_is_one_over_a_socket_too(connection: Connection) -> None:
    """A problem arrives as it was written."""
    assert_problem(connection.ask("/api/v1/triggers/%C3%A9%0D%0A?contact=x"), 400, "contact")
    assert_problem(connection.ask("//evil.example/x"), 404)


def test_a_repeated_key_is_no_key(server: Server, world: World) -> None:
    """Two X-API-Key headers are a 401, even where both are the same good key."""
    key = f"X-API-Key: {world.key}"
    assert raw(server, request(TRIGGER, key, key, "Connection: close"))[0] == 401


def test_a_body_that_nobody_wants_is_read_past(connection: Connection) -> None:
    """A GET may have a body; what follows is answered as ever."""
    assert connection.ask(TRIGGER, body=b"x" * 10_000).status_code == 200
    assert connection.ask(TRIGGER).status_code == 200
    assert connection.is_kept


def test_a_long_send_gets_through(server: Server, world: World) -> None:
    """A body as long as a send may have is read; one byte more is a problem before any of it is."""
    with closing(Connection(server, world.sending_key)) as connection:
        path, headers = "/api/v1/messages/sms/send", {"Content_Type": "application/json"}
        assert_problem(connection.ask(path, "POST", b" " * MOST_BYTES_OF_MANY, **headers), 400, "body")
        assert connection.is_kept
        assert_problem(connection.ask("/api/v1/lists/x", "PUT", b" " * (MOST_BYTES + 1), **headers), 413)
        assert connection.is_kept
    lines = (f"Content-Length: {MOST_BYTES_OF_MANY + 1}", f"X-API-Key: {world.sending_key}")
    assert raw(server, request(path, *lines))[0] == 413


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request("/healthz", f"X-Filler: {'x' * 17_000}"), 431),
        (request(f"/healthz?{'x' * 17_000}"), 431),
        (request("/healthz", "Content-Length: 9000000"), 413),
        (request("/healthz", "Content-Length: -1"), 400),
        (request("/healthz", "Transfer-Encoding: chunked") + b"zz\r\n\r\n", 400),
        (request("/healthz", "Transfer-Encoding: gzip"), 400),
        (request("/healthz", "no colon"), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /healthz HTTP/9.9\r\n\r\n", 200),
    ],
)
def test_what_is_no_request_is_refused(server: Server, sent: bytes, status: int) -> None:
    """Garbage and what is too large get a problem and a closed connection, and the server lives on."""
    got, answer = raw(server, sent)
    assert got == status
    if status != 200:
        head, _, body = answer.partition(b"\r\n\r\n")
        headers = dict(line.decode().split(": ", 1) for line in head.split(b"\r\n")[1:])
        assert_problem(Answer(got, headers, body), status)
    assert raw(server, request("/healthz", "Connection: close"))[0] == 200


def test_the_server_names_neither_itself_nor_its_version(connection: Connection) -> None:
    """No header tells which software answers."""
    answer = connection.ask(TRIGGER)
    assert not {"server", "via", "x-powered-by"} & answer.headers.keys()


def test_many_clients_at_once_are_all_answered(
    server: Server, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """More clients than threads are all answered, and none of them is worth a warning."""
    statuses: list[int] = []

    def poll() -> None:
        with closing(Connection(server, world.key)) as connection:
            statuses.extend(connection.ask(TRIGGER).status_code for _ in range(10))

    threads = [threading.Thread(target=poll) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert statuses == [200] * 200
    assert not caplog.records


def test_a_stopped_server_leaves_no_thread(world: World) -> None:
    """Once serve() has returned, its threads have ended, and so have the cursors that they read with."""
    before = set(threading.enumerate())

    def ask(host: str, port: int) -> None:
        for _ in range(8):
            with closing(HTTPConnection(host, port, timeout=WAIT)) as http:
                http.request("GET", "/healthz")
                assert http.getresponse().status == 200
        os.kill(os.getpid(), signal.SIGTERM)

    def ready(host: str, port: int) -> None:
        client = threading.Thread(target=ask, args=(host, port))
        before.add(client)
        client.start()

    serve(world.library, "127.0.0.1", 0, on_ready=ready)
    assert set(threading.enumerate()) <= before


def test_a_taken_port_is_an_error(server: Server, world: World) -> None:
    """Serving on a port that another server has raises OSError, and nothing stays behind."""
    before = threading.active_count()
    with pytest.raises(OSError, match="in use"):
        serve(world.library, server.host, server.port)
    assert threading.active_count() == before


def test_signal_handlers_are_put_back(world: World) -> None:
    """After serving, and after an error while getting ready, signals do what they did before."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    serve(world.library, "127.0.0.1", 0, on_ready=lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before

    def fail(host: str, port: int) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        serve(world.library, "127.0.0.1", 0, on_ready=fail)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


SLOW_SERVER = """
import sys, time
from trigger_falcon import serve

class Slow:
    def health(self):
        print("asked", flush=True)
        time.sleep(float(sys.argv[1]))

serve(Slow(), "127.0.0.1", 0, on_ready=lambda host, port: print(port, flush=True))
print("stopped", flush=True)
"""


@contextmanager
def slow_server(seconds: float) -> Iterator[tuple["subprocess.Popen[str]", IO[str], HTTPConnection]]:
    """A server process of which /healthz takes so long, and a connection to it."""
    command = [sys.executable, "-W", "error", "-c", SLOW_SERVER, str(seconds)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with closing(HTTPConnection("127.0.0.1", port, timeout=WAIT)) as http:
                yield process, process.stdout, http
        finally:
            process.kill()


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    rest, errors = process.communicate(timeout=WAIT)
    return process.returncode, rest, errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_an_idle_server(number: int) -> None:
    """SIGINT and SIGTERM end serve(), also while clients hold connections, with nothing on standard error."""
    with slow_server(0) as (process, _, http):
        http.request("GET", "/healthz")
        assert http.getresponse().read() == b'{"status":"ok"}'
        process.send_signal(number)
        assert ended(process) == (0, "asked\nstopped\n", "")


def test_a_stopping_server_finishes_what_it_began() -> None:
    """A request under way when the signal comes is answered, while new connections are refused."""
    with slow_server(1) as (process, output, http):
        http.request("GET", "/healthz")
        assert output.readline() == "asked\n"
        process.send_signal(signal.SIGTERM)
        response: HTTPResponse = http.getresponse()
        assert (response.status, response.read()) == (200, b'{"status":"ok"}')
        with pytest.raises(ConnectionError):
            socket.create_connection((http.host, http.port), timeout=WAIT).close()
        assert ended(process) == (0, "stopped\n", "")


def test_a_second_signal_does_not_wait() -> None:
    """Signalled twice, serve() ends although a request is under way."""
    with slow_server(60) as (process, output, http):
        http.request("GET", "/healthz")
        assert output.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        code, rest, _ = ended(process)
        assert (code, rest) == (0, "stopped\n")
