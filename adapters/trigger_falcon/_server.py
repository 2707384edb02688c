"""Serves the application with waitress."""

from __future__ import annotations

import json
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask

from trigger_core import Library
from trigger_falcon import _problems
from trigger_falcon._app import create_app
from trigger_falcon._bodies import MOST_BYTES_OF_MANY

SETTINGS: Final = {
    "threads": 16,  # sends that come together are committed together
    "connection_limit": 500,
    "channel_timeout": 30,
    "max_request_header_size": 16 * 1024,
    "max_request_body_size": MOST_BYTES_OF_MANY + 1,  # waitress refuses a body of just this size
    "asyncore_use_poll": True,
    "expose_tracebacks": False,
    "ident": None,
}
GRACE_SECONDS: Final = 5.0
"""How long a stopping server waits for the requests that it has."""


def serve(
    library: Library, host: str, port: int, *, on_ready: Callable[[str, int], object] | None = None
) -> None:
    """Serves ``create_app(library)`` over HTTP until SIGINT or SIGTERM.

    A signal stops it from taking connections; requests under way get up to five seconds to end, or until a
    second signal. Signals reach it in the main thread only: in another, it serves while the process lives.

    Args:
        library: an open library, which stays open.
        host: the address to listen on, such as 127.0.0.1.
        port: the port, or 0 for any that is free.
        on_ready: called with the address and the real port as soon as connections are taken.

    Raises:
        OSError: host and port can't be listened on.

    >>> import os, signal, trigger_core
    >>> def stop(host, port):
    ...     print(f"http://{host} is up")
    ...     os.kill(os.getpid(), signal.SIGTERM)
    >>> with trigger_core.open(":memory:") as library:
    ...     serve(library, "127.0.0.1", 0, on_ready=stop)
    http://127.0.0.1 is up
    """
    server = Server(create_app(library), host, port)
    with _stopped_by_signals(server):
        try:
            if on_ready is not None:
                on_ready(server.host, server.port)
            server.run()
        finally:
            server.close()


class Server:
    """A WSGI application on a socket.

    Attributes:
        host: the address it listens on.
        port: the port it listens on, also where 0 was asked for.
    """

    def __init__(self, app: Any, host: str, port: int) -> None:
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._stops = 0
        self._map: dict[int, Any] = {}
        self._threads = _Threads()
        self._server = create_server(
            app, map=self._map, sockets=[_listening(host, port)], _dispatcher=self._threads, **SETTINGS
        )
        self._server.channel_class = _Channel
        self._threads.set_thread_count(SETTINGS["threads"])
        self.host: str = self._server.effective_host
        self.port = int(self._server.effective_port)

    def run(self) -> None:
        """Serves until stopped, then finishes the requests that it has."""
        while not self._stops:
            self._turn(0.2)  # a signal that comes just before a poll begins is seen only when that ends
        wasyncore.dispatcher.close(self._server)
        deadline = time.monotonic() + GRACE_SECONDS
        while self._stops == 1 and self._is_busy() and time.monotonic() < deadline:
            self._turn(0.1)

    def stop(self) -> None:
        """Makes ``run`` return, on a second call at once. Any thread and any signal handler may call it."""
        self._stops += 1
        if self._map:
            self._server.pull_trigger()

    def close(self) -> None:
        """Ends the threads and closes every connection."""
        self._threads.end(1.0)
        opened, self._map = self._map, {}
        wasyncore.close_all(opened)

    def _turn(self, timeout: float) -> None:
        wasyncore.loop(timeout=timeout, use_poll=True, map=self._map, count=1)

    def _is_busy(self) -> bool:
        channels = list(self._server.active_channels.values())
        sending = any(channel.requests or channel.total_outbufs_len for channel in channels)
        return sending or bool(self._threads.queue)


class _Threads(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Waits for its threads' very end: one that still drops a store's cursor must not see the interpreter end."""

    def __init__(self) -> None:
        super().__init__()
        self._started: list[threading.Thread] = []

    def start_new_thread(self, target: Callable[[int], None], thread_no: int) -> None:
        thread = threading.Thread(target=target, name=f"waitress-{thread_no}", args=(thread_no,), daemon=True)
        self._started.append(thread)
        thread.start()

    def end(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        self.shutdown(timeout=timeout)
        for thread in self._started:
            thread.join(max(0.0, deadline - time.monotonic()))


class _Task(WSGITask):  # type: ignore[misc]
    """Keeps the connection after an answer that has no body; waitress would close it after each 304."""

    def set_close_on_finish(self) -> None:
        asked_for = self.version == "1.0" or self.request.headers.get("CONNECTION", "").lower() == "close"
        if asked_for or self.has_body:
            super().set_close_on_finish()


class _Refusal(ErrorTask):  # type: ignore[misc]
    """Answers what is refused before the application sees it by a problem, as the application does."""

    def execute(self) -> None:
        code = self.request.error.code
        if code == HTTPStatus.NOT_IMPLEMENTED:
            # a transfer coding of the caller's choice, who is never told of a 5xx
            code = HTTPStatus.BAD_REQUEST
        path = getattr(self.request, "path", "").encode("latin-1").decode("utf-8", "replace")
        problem = _problems.plain(code, path)
        body = json.dumps(problem).encode()
        self.status = f"{code} {problem['title']}"
        self.response_headers += _problems.HEADERS.items()
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):  # type: ignore[misc]
    task_class = _Task
    error_task_class = _Refusal


def _listening(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    return socket.create_server(address, family=family)


@contextmanager
def _stopped_by_signals(server: Server) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, lambda *_: server.stop()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
