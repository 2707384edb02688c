"""``Library.document`` over HTTP: polls of a trigger, beside a bare Falcon resource under waitress, set up alike."""

from __future__ import annotations

import json
import logging
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Final

import falcon
import waitress

import trigger_core
from benchmarks.client import answer, ask, connections, header, request
from benchmarks.data import ACCOUNT
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, times
from trigger_falcon import serve
from trigger_falcon._server import SETTINGS

CONNECTIONS: Final = 8


def run(ground: Ground) -> Iterator[Figure]:
    """Asks over a few connections at once; both servers are processes of their own."""
    sample, pace = ground.sample, ground.sizes.pace
    others = list(sample.others)
    Random(1).shuffle(others)
    with (
        ground.copy() as path,
        server("library", path) as (port, key),
        server("bare", path) as (bare_port, _),
    ):

        def get(trigger_id: str, *headers: str) -> bytes:
            return request(f"/api/v1/triggers/{trigger_id}/direct", f"X-API-Key: {key}", *headers)

        unchanged = get(sample.big.trigger_id)
        with connections(port, CONNECTIONS) as ours, connections(bare_port, CONNECTIONS) as theirs:
            etag = header(ask(ours[0], unchanged)[0], "etag")
            poll = get(sample.big.trigger_id, f"If-None-Match: {etag}")
            assert ask(ours[0], poll)[0].startswith("HTTP/1.1 304 ")
            many = (get(trigger_id) for trigger_id in cycle(others))
            bare = _turns(theirs, cycle([request("/bare")]))
            for name, requests, wanted in (
                ("polls with If-None-Match, nothing new", cycle([poll]), "≥ 0.8"),
                ("GETs of the document, nothing new", cycle([unchanged]), "≥ 0.6"),
                ("GETs of another trigger's document each time", many, ""),
            ):
                ratios = times(bare, _turns(ours, requests), pace)
                yield figure(
                    "document",
                    f"{name}: requests/s ÷ those of a bare Falcon resource",
                    ratios,
                    better="higher",
                    wanted=wanted,
                )


def _turns(clients: list[socket.socket], requests: Iterator[bytes]) -> Callable[[], object]:
    """Sends a request over each connection, then waits for all answers."""

    def turn() -> None:
        for connection in clients:
            connection.sendall(next(requests))
        for connection in clients:
            answer(connection)

    return turn


@contextmanager
def server(kind: str, store: Path | str) -> Iterator[tuple[int, str]]:
    """A server in a process of its own: its port, and a key for it."""
    command = [sys.executable, "-m", "benchmarks.document", kind, str(store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port, key = json.loads(process.stdout.readline())
            yield port, key
        finally:
            process.send_signal(signal.SIGTERM)


class Bare:
    """The least that a resource can do."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.data = b"{}"


def main(kind: str, store: str) -> None:
    """Serves until a signal comes, having printed the port and a key."""
    if kind == "library":
        with trigger_core.open(store) as library:
            key = library.create_key(ACCOUNT, ["read", "events"]).key
            serve(
                library, "127.0.0.1", 0, on_ready=lambda _, port: print(json.dumps([port, key]), flush=True)
            )
        return
    app = falcon.App()
    app.add_route("/bare", Bare())
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = waitress.create_server(app, host="127.0.0.1", port=0, **SETTINGS)
    print(json.dumps([server.effective_port, ""]), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    server.run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
