"""A client of a server over a real socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any

from attrs import frozen

from trigger_core import Library
from trigger_falcon import create_app
from trigger_falcon._server import Server

WAIT = 20.0


@frozen
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


@frozen
class Client:
    """Asks a server with a key, each time on a new connection."""

    port: int
    key: str

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Sends a request; ``body`` is made JSON, an underscore in a header's name a hyphen.

        Raises:
            OSError: there was no whole answer.
            HTTPException: the same.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            named["Content-Type"] = "application/json"
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=WAIT)) as http:
            http.request(method, path, data, {"X-API-Key": self.key, **named})
            response = http.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def put(self, path: str, body: object) -> Any:
        """Stores something in the catalog."""
        answer = self("PUT", f"/api/v1/{path}", body)
        assert answer.status in (200, 201), answer.body
        return answer.json

    def post(self, path: str, body: object, status: int, **headers: str) -> Any:
        """The JSON that a POST with this status answers."""
        answer = self("POST", f"/api/v1/{path}", body, **headers)
        assert answer.status == status, answer.body
        return answer.json

    def get(self, path: str) -> Any:
        """The JSON that a GET answers."""
        answer = self("GET", path)
        assert answer.status == 200, answer.body
        return answer.json


@contextmanager
def served(library: Library) -> Iterator[int]:
    """A server of the library in a thread; the port."""
    server = Server(create_app(library), "127.0.0.1", 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server.port
    finally:
        server.stop()
        thread.join(WAIT)
        server.close()
