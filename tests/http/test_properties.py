"""Whatever is asked, the answer is one that the contract knows."""

import io
from collections.abc import Mapping
from typing import Any

from attrs import frozen
from falcon.testing import TestClient, create_environ
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.http.problems import assert_problem
from tests.http.world import DIRECT, EXECUTION, JOBS, READING, TRIGGER, UNKNOWN, WORKFLOW, World

tunnelled = st.text(max_size=30).map(lambda text: text.encode("utf-8", "replace").decode("latin-1"))
octets = st.binary(max_size=30).map(lambda data: data.decode("latin-1"))
visible = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)

words = (
    "api",
    "v1",
    "triggers",
    "direct",
    "workflow",
    "messages",
    "sms",
    "whatsapp",
    "executions",
    "jobs",
    "email",
    "send",
    "workflows",
    "trigger",
    "cancel",
    "events",
    "healthz",
)
ids = (DIRECT, WORKFLOW, EXECUTION, UNKNOWN, DIRECT.upper(), "1", "2147483648", "9999999999", "", "..", "a/b")
segments = st.one_of(st.sampled_from(words + ids), tunnelled, octets)
paths = st.one_of(
    st.sampled_from((*READING, "/healthz", "/api/openapi.json", "/api/docs")),
    st.builds("/api/docs/{}".format, segments),
    st.builds("/api/v1/triggers/{}".format, segments),
    st.builds("/api/v1/triggers/{}/{}".format, segments, segments),
    st.sampled_from(("/api/v1/messages/sms/send", "/api/v1/workflows/trigger", "/api/v1/events")),
    st.builds("/api/v1/triggers/{}/cancel".format, segments),
    st.builds("/api/v1/{}/executions/{}/jobs/{}".format, segments, segments, segments),
    st.lists(segments, max_size=9).map(lambda parts: "/" + "/".join(parts)),
    tunnelled,
    octets,
)

NAMES = (
    "status",
    "filter_code",
    "contact",
    "limit",
    "cursor",
    "flow_type",
    "trigger_type",
    "created_after",
    "created_before",
    "colour",
)
names = st.sampled_from(NAMES)
values = st.one_of(
    st.sampled_from(
        (
            "sent",
            "pending",
            "sms",
            "workflow",
            "1",
            "200",
            "0",
            "-1",
            "1e3",
            "%00",
            "%ff",
            "%D8%00",
            "%",
            "%zz",
        )
    ),
    st.sampled_from(
        ("2025-11-23T02:25:28Z", "0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59", "+", "T")
    ),
    st.integers().map(str),
    tunnelled,
    octets,
)
queries = st.one_of(
    st.just(""),
    st.lists(st.builds("{}={}".format, names, values), max_size=4).map("&".join),
    st.lists(st.builds("{}={}".format, names | octets, values), max_size=4).map("&".join),
    octets,
)
HEADERS = (
    "HTTP_IF_NONE_MATCH",
    "HTTP_ACCEPT",
    "HTTP_HOST",
    "HTTP_RANGE",
    "HTTP_FORWARDED",
    "HTTP_COOKIE",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "HTTP_TRANSFER_ENCODING",
    "HTTP_EXPECT",
    "HTTP_IDEMPOTENCY_KEY",
    "HTTP_X_HTTP_METHOD_OVERRIDE",
)
AWKWARD = ('W/"', '"', "*", "application/x-www-form-urlencoded", "-1", "bytes=0-1")
headers = st.dictionaries(st.sampled_from(HEADERS), visible | st.sampled_from(AWKWARD), max_size=4)
methods = (
    st.sampled_from(("GET",) * 6 + ("HEAD", "OPTIONS", "POST", "DELETE", "WEBSOCKET", "FOO", "")) | visible
)


@frozen
class Answer:
    status_code: int
    headers: Mapping[str, str]
    content: bytes


def answer_of(client: TestClient, environ: dict[str, Any]) -> Answer:
    started: list[tuple[str, list[tuple[str, str]]]] = []
    body = b"".join(client.app(environ, lambda *said: started.append(said)))  # type: ignore[arg-type]
    [(status, said)] = started
    for name, value in said:
        assert f"{name}{value}".isascii()
        assert f"{name}{value}".isprintable()
    return Answer(int(status.split()[0]), dict(said), body)


@settings(max_examples=150, deadline=None)
@given(
    method=methods,
    path=paths,
    query=queries,
    headers=headers,
    key=st.sampled_from(("good", "good", "good", "strange", "sending", "none")) | visible,
    body=st.binary(max_size=20),
)
def test_no_request_is_answered_by_a_5xx(
    world: World,
    client: TestClient,
    method: str,
    path: str,
    query: str,
    headers: dict[str, str],
    key: str,
    body: bytes,
) -> None:
    """Random methods, paths, queries, headers and keys get an answer, a 304 or a 4xx problem."""
    environ = create_environ(method="GET") | headers
    environ |= {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "wsgi.input": io.BytesIO(body),
    }
    keys = {"good": world.key, "strange": world.strangers_key, "sending": world.sending_key}
    if key != "none":
        environ["HTTP_X_API_KEY"] = keys.get(key, key)
    answer = answer_of(client, environ)
    assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.status_code >= 400:
        assert answer.status_code < 500
        if method == "HEAD":
            assert answer.content == b""
        else:
            assert_problem(answer, answer.status_code)
    else:
        assert answer.status_code in {200, 202, 304}
        if answer.status_code == 304 or method == "HEAD":
            assert answer.content == b""


@settings(max_examples=100, deadline=None)
@given(query=queries, path=st.sampled_from((TRIGGER, JOBS, "/api/v1/triggers")))
def test_a_400_names_each_bad_parameter_once(world: World, client: TestClient, query: str, path: str) -> None:
    """A query gets an answer, or a 400 that names different fields."""
    environ = create_environ(path) | {"QUERY_STRING": query, "HTTP_X_API_KEY": world.key}
    answer = answer_of(client, environ)
    if answer.status_code != 200:
        fields = [error["field"] for error in assert_problem(answer, 400)["errors"]]
        assert len(fields) == len(set(fields)) > 0
