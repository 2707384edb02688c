"""Errors that are nobody's request in particular."""

import logging

import pytest
from falcon.testing import TestClient

from tests.http.conftest import Ask
from tests.http.problems import assert_problem
from tests.http.world import JOBS, READING, TRIGGER, World, caused, failing
from trigger_core.errors import StoreClosed, StoreError, StoreForked, StoreUnavailable, TriggerCoreError
from trigger_falcon import create_app

PRIVATE = "user@example.org at postgresql://me:secret@host"
UNKNOWN_PATHS = (
    "/",
    "/api",
    "/api/v1",
    "/api/v2/triggers",
    f"{TRIGGER}/",
    f"{TRIGGER}/jobs",
    f"{JOBS}/1/2",
    "/é",
    "//x",
)


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
def test_an_unknown_route_is_a_problem(ask: Ask, path: str) -> None:
    """A path that nothing is served at is a 404 problem."""
    assert_problem(ask(path), 404)


def test_the_instance_is_the_path_without_its_query(ask: Ask) -> None:
    """A problem shows the path that was asked for, percent-encoded, and none of the query."""
    assert f"{JOBS}/%C3%A9%20x" == assert_problem(ask(f"{JOBS}/%C3%A9%20x?contact=a@b.c"), 400)["instance"]


def test_the_instance_knows_where_the_application_is_mounted(world: World, client: TestClient) -> None:
    """Under a prefix, a problem shows the prefix too."""
    answer = client.simulate_get("/api", root_path="/mounted")
    assert assert_problem(answer, 404)["instance"] == "/mounted/api"


def test_problems_are_json_whatever_is_accepted(ask: Ask) -> None:
    """Accept changes nothing about a problem."""
    for accept in ("text/xml", "text/html, */*;q=0.1", "image/png", "nonsense"):
        assert_problem(ask("/", Accept=accept), 404)


@pytest.mark.parametrize("kind", [StoreUnavailable, StoreClosed, StoreForked])
@pytest.mark.parametrize("path", READING)
def test_a_store_that_cannot_answer_now_is_a_503(
    world: World, caplog: pytest.LogCaptureFixture, kind: type[TriggerCoreError], path: str
) -> None:
    """A store that can't answer now, or here, is a 503 that says when to try again, logged without its text."""
    error = caused(kind(PRIVATE), ConnectionError(PRIVATE))
    client = TestClient(create_app(failing(world.library, error)))
    answer = client.simulate_get(path, headers={"X-API-Key": world.key})
    assert_problem(answer, 503)
    assert int(answer.headers["retry-after"]) > 0
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert kind.__name__ in record.getMessage()
    assert "ConnectionError" in record.getMessage()
    assert "secret" not in answer.text + caplog.text


@pytest.mark.parametrize("error", [ValueError, KeyError, StoreError, RecursionError])
@pytest.mark.parametrize("path", READING)
def test_what_nobody_foresaw_is_a_500_without_details(
    world: World, caplog: pytest.LogCaptureFixture, error: type[Exception], path: str
) -> None:
    """An unexpected exception is a 500 that tells nothing; the log tells its class and place only."""
    client = TestClient(create_app(failing(world.library, error(PRIVATE))))
    answer = client.simulate_get(path, query_string="", headers={"X-API-Key": world.key})
    problem = assert_problem(answer, 500)
    assert problem["detail"] == "The server failed to answer this request."
    [record] = caplog.records
    assert (record.name, record.levelno) == ("trigger_falcon", logging.ERROR)
    assert error.__name__ in record.getMessage()
    assert "world.py" in record.getMessage()
    assert "secret" not in answer.text + caplog.text
    assert world.key not in caplog.text


def test_a_failing_check_of_keys_is_no_access(world: World) -> None:
    """Where keys can't be checked, the answer is a 503 and not a document."""

    class Library:
        def authenticate(self, key: str) -> None:
            raise StoreUnavailable

    client = TestClient(create_app(Library()))  # type: ignore[arg-type]
    assert_problem(client.simulate_get(TRIGGER, headers={"X-API-Key": world.key}), 503)


def test_health_asks_the_store(ask: Ask) -> None:
    """/healthz answers that the store does; without a key, and whatever a load balancer appends."""
    for path in ("/healthz", "/healthz?at=1763864728"):
        answer = ask(path, key=None)
        assert (answer.status_code, answer.json) == (200, {"status": "ok"})
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("error", [StoreUnavailable, StoreError, StoreClosed])
def test_health_of_a_broken_store_is_a_503(
    world: World, caplog: pytest.LogCaptureFixture, error: type[Exception]
) -> None:
    """/healthz is a 503 problem where the store doesn't answer, for whatever reason."""
    answer = TestClient(create_app(failing(world.library, error(PRIVATE)))).simulate_get("/healthz")
    assert_problem(answer, 503)
    assert "secret" not in answer.text + caplog.text
