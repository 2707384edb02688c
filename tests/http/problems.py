"""The one shape of every error."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlsplit

from trigger_falcon._problems import TYPES, type_uri


class Answer(Protocol):
    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> bytes: ...


def assert_problem(answer: Answer, status: int, *fields: str) -> dict[str, Any]:
    """The problem that ``answer`` is, which must have this status and name these bad fields."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert status == answer.status_code, answer.content
    assert headers["content-type"] == "application/problem+json"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert str(len(answer.content)) == headers["content-length"]
    assert ("allow" in headers) == (status == 405)
    assert ("retry-after" in headers) == (status in {409, 503})
    assert ("www-authenticate" in headers) == (status == 401)
    problem: dict[str, Any] = json.loads(answer.content)
    assert status == problem["status"]
    assert all(
        isinstance(problem[name], str) and problem[name] for name in ("type", "title", "detail", "instance")
    )
    assert problem["instance"].isascii()
    parts = urlsplit(problem["instance"])
    assert (parts.scheme, parts.netloc) == ("", "")
    assert parts.path == problem["instance"]
    assert "Traceback" not in problem["detail"]
    assert problem["type"] in {"about:blank", *map(type_uri, TYPES)}
    if problem["type"] == "about:blank":
        assert HTTPStatus(status).phrase == problem["title"]
        assert {"type", "title", "status", "detail", "instance"} == problem.keys()
    assert (status == 400 and problem["type"] != "about:blank") == ("errors" in problem)
    errors = problem.get("errors", [])
    assert all({"field", "detail"} == error.keys() and error["detail"] for error in errors)
    if fields:
        assert sorted(fields) == sorted(error["field"] for error in errors)
    return problem
