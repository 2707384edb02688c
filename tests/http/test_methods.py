"""Methods other than GET."""

import pytest

from tests.http.conftest import Ask
from tests.http.problems import assert_problem
from tests.http.world import READING, TRIGGER

ALL = (*READING, "/healthz", "/api/openapi.json", "/api/docs", "/api/docs/docs.js")


@pytest.mark.parametrize("path", ALL)
def test_head_is_get_without_the_body(ask: Ask, path: str) -> None:
    """HEAD has the status and headers of GET, its Content-Length too, and no body."""
    get, head = ask(path), ask(path, "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert get.headers == head.headers
    assert str(len(get.content)) == head.headers["content-length"]


def test_head_polls_too(ask: Ask) -> None:
    """HEAD with the tag of the document is a 304."""
    etag = ask(TRIGGER).headers["etag"]
    assert ask(TRIGGER, "HEAD", If_None_Match=etag).status_code == 304


def test_head_of_what_is_not_there_has_no_body(ask: Ask) -> None:
    """A problem asked for by HEAD is its headers only."""
    answer = ask("/api/v1/triggers/abc", "HEAD")
    assert (answer.status_code, answer.content) == (404, b"")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ALL)
def test_options_names_the_methods(ask: Ask, path: str) -> None:
    """OPTIONS needs no key and answers which methods there are, with no body."""
    answer = ask(path, "OPTIONS", key=None)
    assert (answer.status_code, answer.content) == (200, b"")
    assert {"GET", "HEAD"} <= set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize(
    "method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "FOO", "get"]
)
@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
def test_a_method_that_is_not_answered_is_told_those_that_are(ask: Ask, path: str, method: str) -> None:
    """Any other method, also one that nobody knows, is a 405 with Allow."""
    answer = ask(path, method)
    problem = assert_problem(answer, 405)
    assert {"GET", "HEAD", "OPTIONS"} == set(answer.headers["allow"].split(", "))
    assert answer.headers["allow"] in problem["detail"]


def test_cross_origin_requests_get_nothing_special(ask: Ask) -> None:
    """No answer invites other origins."""
    answer = ask(TRIGGER, "OPTIONS", Origin="https://example.org", Access_Control_Request_Method="GET")
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
