"""POSTs of single sends from several clients, beside single rows that DuckDB commits one by one."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from threading import Barrier
from time import perf_counter
from typing import Final

import trigger_core
from benchmarks.data import ACCOUNT
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, ratio
from benchmarks.plan import filled, put
from benchmarks.record_singly import bare_table, commits
from trigger_falcon import serve

CLIENTS: Final = 16


def run(ground: Ground) -> Iterator[Figure]:
    """Sends to one contact each; a 202 says that it is durable."""
    people, singles = ground.sizes.people // 10, ground.sizes.singles
    numbers = count()
    with filled(ground, people) as path, ground.bare() as bare:
        bare_table(bare)
        with trigger_core.open(path) as library:
            put(library, "hello", "Hello")
            key = library.create_key(ACCOUNT, ["send"]).key
        with _server(path) as port, ThreadPoolExecutor(CLIENTS) as pool:
            each = max(1, singles // 4)
            speeds = []
            for number in range(-1, max(1, ground.sizes.pace.rounds // 4)):
                requests = [
                    [_request(key, next(numbers) % people) for _ in range(each)] for _ in range(CLIENTS)
                ]
                turns = partial(_post, pool, port, requests), partial(commits, bare, singles)
                speed = 1 / ratio(number, *turns)
                if number >= 0:
                    speeds.append(speed)
    yield figure(
        "send",
        f"POSTs of single sends from {CLIENTS} clients: 202s/s ÷ bare single-row commits/s",
        speeds,
        better="higher",
        wanted="≥ 0.4",
    )


def _request(key: str, number: int) -> bytes:
    body = json.dumps(
        {
            "template_key": "hello",
            "recipient_type": "contact",
            "contact_external_id": f"user_{number:08}",
        }
    )
    head = (
        "POST /api/v1/messages/sms/send HTTP/1.1",
        "Host: localhost",
        f"X-API-Key: {key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "",
        body,
    )
    return "\r\n".join(head).encode()


def _post(pool: ThreadPoolExecutor, port: int, works: Sequence[Sequence[bytes]]) -> float:
    """Seconds for each request, from when all clients are ready until the last has its answer."""
    ready = Barrier(len(works) + 1)

    def client(requests: Sequence[bytes]) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ready.wait()
            for request in requests:
                connection.sendall(request)
                answer = connection.recv(65536)
                while not answer.endswith(b"}"):
                    answer += connection.recv(65536)
                assert answer.startswith(b"HTTP/1.1 202 "), answer

    done = [pool.submit(client, requests) for requests in works]
    ready.wait()
    begin = perf_counter()
    for one in done:
        one.result()
    return (perf_counter() - begin) / sum(map(len, works))


@contextmanager
def _server(store: Path) -> Iterator[int]:
    """The library's server in a process of its own: its port."""
    command = [sys.executable, "-m", "benchmarks.send", str(store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)


if __name__ == "__main__":
    with trigger_core.open(sys.argv[1]) as served:
        serve(served, "127.0.0.1", 0, on_ready=lambda _, port: print(port, flush=True))
