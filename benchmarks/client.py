"""The least of an HTTP client, so that a benchmark measures the server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


def request(path: str, *headers: str, body: str | None = None) -> bytes:
    """A GET, or a POST of a body of JSON."""
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", "Host: localhost", *headers]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body.encode())}"]
    return "\r\n".join([*lines, "", body or ""]).encode()


def ask(connection: socket.socket, data: bytes) -> tuple[str, bytes]:
    """Sends a request and waits for its answer."""
    connection.sendall(data)
    return answer(connection)


def answer(connection: socket.socket) -> tuple[str, bytes]:
    """The head and the body of the next answer, which must be good news."""
    data = connection.recv(65536)
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    status = text[9:12]
    assert status in ("200", "202", "304"), data
    if status != "304":
        length = int(header(text, "content-length"))
        while len(body) < length:
            body += connection.recv(65536)
    return text, body


def header(head: str, name: str) -> str:
    """A header's value."""
    headers = (line.partition(": ") for line in head.split("\r\n")[1:])
    return next(value for key, _, value in headers if key.lower() == name)


@contextmanager
def connections(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Connections to a server on this machine."""
    made = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(count)]
    try:
        for connection in made:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield made
    finally:
        for connection in made:
            connection.close()
