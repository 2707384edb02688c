"""Keys: who may ask, and what those learn who may not."""

from datetime import UTC, datetime, timedelta

import falcon
import pytest
from falcon.inspect import inspect_routes
from falcon.testing import Result, TestClient

from tests.http.conftest import Ask
from tests.http.problems import assert_problem
from tests.http.world import READING, TRIGGER, UNKNOWN, World


def test_every_route_but_health_needs_a_key(client: TestClient, ask: Ask) -> None:
    """No route answers without a key, except /healthz and those that describe the others."""
    assert isinstance(client.app, falcon.App)
    templates = {
        route.path: next(each.method for each in route.methods if not each.internal)
        for route in inspect_routes(client.app)
    }
    open_to_all = {
        template for template, method in templates.items() if ask(template, method, None).status_code != 401
    }
    assert {"/healthz", "/api/openapi.json", "/api/docs", "/api/docs/{name}"} == open_to_all
    assert len(templates) == 25


@pytest.mark.parametrize("path", READING)
def test_whatever_is_wrong_with_a_key_the_answer_is_one(world: World, ask: Ask, path: str) -> None:
    """Missing, wrong, revoked, expired and repeated keys all get the same 401."""
    library = world.library
    revoked = library.create_key("acme", ("read",))
    library.revoke_key("acme", revoked.key_id)
    expired = library.create_key("acme", ("read",), expires_at=datetime.now(UTC) - timedelta(seconds=1)).key
    wrong = [
        revoked.key,
        expired,
        "",
        "x",
        world.key[:-1],
        world.key + "x",
        world.key.upper(),
        f"Bearer {world.key}",
    ]
    wrong += [f"{world.key}, {world.key}", "é" * 50, "k" * 10_000, "sk_live_", "%"]

    def shown(answer: Result) -> tuple[object, ...]:
        return answer.status_code, answer.headers, answer.text

    expected = ask(path, key=None)
    assert_problem(expected, 401)
    for key in wrong:
        assert shown(expected) == shown(ask(path, key=key))


def test_a_401_says_how_to_authenticate(ask: Ask) -> None:
    """A 401 names the scheme and the header that it wants."""
    challenge = ask(TRIGGER, key=None).headers["www-authenticate"]
    assert challenge == 'ApiKey realm="trigger-core", in="header", name="X-API-Key"'


@pytest.mark.parametrize("path", READING)
def test_a_key_without_the_scope_is_refused(world: World, ask: Ask, path: str) -> None:
    """A good key that may not read is a 403 that names the scope."""
    assert "read" in assert_problem(ask(path, key=world.sending_key), 403)["detail"]


@pytest.mark.parametrize("path", READING)
@pytest.mark.parametrize("key", [None, "sending"])
def test_access_comes_before_everything_else(world: World, ask: Ask, path: str, key: str | None) -> None:
    """Without access, an unknown id, a bad query and a known id can't be told apart."""
    chosen = world.sending_key if key else None
    status = 403 if key else 401
    for asked in (path, path.replace("8", "9"), f"{path}?colour=red", f"{path}?limit=x"):
        assert_problem(ask(asked, key=chosen), status)


def test_test_keys_read_too(world: World, ask: Ask) -> None:
    """A test key opens what a live one does."""
    key = world.library.create_key("acme", ("read",), test=True).key
    assert ask(TRIGGER, key=key).status_code == 200


def test_an_unknown_route_needs_no_key(ask: Ask) -> None:
    """What isn't served is a 404 for everybody."""
    assert_problem(ask(f"/api/v1/parcels/{UNKNOWN}", key=None), 404)
