"""Servers of a store; ``python -m tests.http.service STORE`` is one: it prints its port, then serves."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import trigger_core
from trigger_falcon import create_app, serve
from trigger_falcon._server import Server


@contextmanager
def threaded(store: str) -> Iterator[int]:
    """A server in this process, with a library of its own, as long as it is needed: its port."""
    with trigger_core.open(store) as library:
        server = Server(create_app(library), "127.0.0.1", 0)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server.port
        finally:
            server.stop()
            thread.join()
            server.close()


@contextmanager
def process(store: str) -> Iterator[int]:
    """A server in a process of its own, as long as it is needed: its port."""
    command = [sys.executable, "-m", "tests.http.service", store]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield int(running.stdout.readline())
        finally:
            running.send_signal(signal.SIGTERM)


def main(store: str) -> None:
    """Serves until a signal comes."""
    with trigger_core.open(store) as library:
        serve(library, "127.0.0.1", 0, on_ready=lambda _, port: print(port, flush=True))


if __name__ == "__main__":
    main(sys.argv[1])
