import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from falcon.testing import Result, TestClient

from tests.http import world as worlds
from tests.http.world import World
from trigger_falcon import create_app

Ask = Callable[..., Result]


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    world = worlds.make()
    with world.library:
        yield world


@pytest.fixture(scope="session")
def client(world: World) -> TestClient:
    return TestClient(create_app(world.library))


@pytest.fixture(scope="session")
def document(client: TestClient) -> dict[str, Any]:
    return json.loads(client.simulate_get("/api/openapi.json").content)  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def ask(world: World, client: TestClient) -> Ask:
    """Asks for a path as acme, or with another key, or with none (``key=None``)."""

    def ask(path: str, method: str = "GET", key: str | None = world.key, **headers: Any) -> Result:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            named["X-API-Key"] = key
        path, _, query = path.partition("?")
        return client.simulate_request(method, path, query_string=query, headers=named)

    return ask
