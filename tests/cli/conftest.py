import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from attrs import frozen

from trigger_core.cli import main

PROGRAM = (sys.executable, "-c", "from trigger_core.cli import main; raise SystemExit(main())")


@frozen
class Done:
    """What became of a command."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in this process."""
    monkeypatch.delenv("TRIGGER_CORE_STORE", raising=False)

    def run(*arguments: object) -> Done:
        capsysbinary.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsysbinary.readouterr()
        return Done(code, out.decode(), err.decode())

    return run


@frozen
class Service:
    """A running ``serve`` or ``demo``."""

    process: subprocess.Popen[str]
    said: str

    @property
    def url(self) -> str:
        found = re.search(r"http://\S+?:\d+", self.said)
        assert found, self.said
        return found[0]

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """Sends a signal; the exit code and what was said on standard error after the start."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err


@contextmanager
def service(
    *arguments: object, ready: str = "serving", stream: str = "stderr", **environment: str
) -> Iterator[Service]:
    """Starts a command that goes on, until it has said so."""
    process = subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **environment},
    )
    with process:
        try:
            said = ""
            reader = getattr(process, stream)
            while ready not in said:
                line = reader.readline()
                assert line, said + process.communicate(timeout=60)[1]
                said += line
            yield Service(process, said)
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()


def fetch(url: str, key: str | None = None) -> Any:
    """The JSON of a page that is there."""
    return ask("GET", url, {} if key is None else {"X-API-Key": key})


def post(url: str, key: str, values: object) -> Any:
    """The JSON that answers a JSON object."""
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    return ask("POST", url, headers, json.dumps(values))


def ask(method: str, url: str, headers: Mapping[str, str], body: str | None = None) -> Any:
    """The JSON that a request is answered with, if it succeeds."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
    with closing(connection):
        connection.request(method, f"{parts.path}?{parts.query}", body, headers)
        response = connection.getresponse()
        answer = response.read()
    assert response.status in (200, 202), answer
    return json.loads(answer)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store that a service has open."""
    path = tmp_path_factory.mktemp("served") / "served.duckdb"
    with service("serve", "--store", path, "--port", 0):
        yield path
