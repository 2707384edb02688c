"""The commands that serve: they put the store, the web application and the admin socket together."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from trigger_core import Library, _admin
from trigger_core.cli import _store
from trigger_core.cli._commands import carry_out
from trigger_core.cli._sending import Sending
from trigger_core.errors import InvalidInput

_HOST: Final = "127.0.0.1"
_PORTS: Final = range(8080, 8100)
_TURN: Final = 0.1
"""Seconds after which a worker sees that it is told to stop."""


def serve(store: str, host: str, port: int, sending: Sending | None) -> int:
    """Serves a store, and sends what is due if there is something to send by, until it is told to stop."""
    run = _server()
    with ExitStack() as stack:
        library = stack.enter_context(_store.own(store))
        stack.enter_context(_admin_socket(library))
        worker = stack.enter_context(sending.worker(library)) if sending else None

        def ready(host: str, port: int) -> None:
            if worker is not None:
                worker.start()
                _tell(f"sending {sending}")
            shown = f"[{host}]" if ":" in host else host
            _tell(f"serving {library.store.url} on http://{shown}:{port}; Ctrl-C stops it")

        run(library, host, port, on_ready=ready)
    return 0


def work(store: str, sending: Sending) -> int:
    """Sends what is due until it is told to stop."""
    with (
        _store.own(store, make=False) as library,
        _admin_socket(library),
        sending.worker(library) as worker,
        _signals() as stopped,
    ):
        worker.start()
        _tell(f"sending {sending} for {library.store.url}; Ctrl-C stops it")
        while not stopped:
            time.sleep(_TURN)
    return 0


def demo(store: str | None, port: int | None) -> int:
    """Serves example data that goes on by itself."""
    from trigger_core import demo as example

    run = _server()
    with ExitStack() as stack:
        found = False
        if store is None:
            store = str(Path(stack.enter_context(_directory())) / "demo.duckdb")
        else:
            path = _admin.path_of(store)
            if path is None:
                raise InvalidInput("a demo keeps its data in a file: name a new one")
            found = os.path.exists(path)
        library = stack.enter_context(_store.own(store))
        if found and not library.keys(example.ACCOUNT):
            raise InvalidInput(f"{store} is there already, and not a demo's; name a new file")
        stack.enter_context(_admin_socket(library))
        running = stack.enter_context(example.Demo(library))

        def ready(host: str, port: int) -> None:
            running.start()
            print(running.introduction(f"http://{host}:{port}", store), flush=True)

        if port is not None:
            run(library, _HOST, port, on_ready=ready)
            return 0
        for candidate in (*_PORTS, 0):
            try:
                run(library, _HOST, candidate, on_ready=ready)
                return 0
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
    return 0


def _server() -> Callable[..., None]:
    try:
        from trigger_falcon import serve
    except ModuleNotFoundError as error:
        raise InvalidInput(f"to serve, {error.name} is needed: pip install 'trigger-core[server]'") from None
    return serve


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """The signals to stop that have come. What ends afterwards can be broken off by another one."""
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _admin_socket(library: Library) -> Iterator[None]:
    """Lets other commands reach the store, where no other process can open it."""
    path = _admin.path_of(library.store.url)
    if path is None or not library.store.sees_every_write or not _admin.AVAILABLE:
        yield
        return
    with _admin.Server(path, partial(carry_out, library)):
        yield


@contextmanager
def _directory() -> Iterator[str]:
    """A temporary directory that goes away also when the terminal does."""
    before: Any = None
    if hasattr(signal, "SIGHUP"):
        before = signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with TemporaryDirectory(prefix="trigger-core-demo-") as directory:
            yield directory
    finally:
        if before is not None:
            signal.signal(signal.SIGHUP, before)
