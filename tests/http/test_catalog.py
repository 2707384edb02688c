"""The catalog over HTTP."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from falcon.testing import Result, TestClient

from tests.http.problems import assert_problem
from trigger_core import Library
from trigger_core.catalog import to_json
from trigger_core.errors import MissingExtra, StoreUnavailable
from trigger_falcon import create_app

SMS = {
    "variants": [{"approved": True, "text": "Hello", "price": 0.0075, "price_per": "segment"}],
    "currency": "USD",
}
STEP = {"step_id": "s1", "step_name": "One", "channel": "sms", "template_key": "otp"}
ITEMS: dict[str, dict[str, Any]] = {
    "contacts/user%20%C3%A9": {"email": "a@example.org", "opted_out": ["sms"], "attributes": {"n": 1.5}},
    "templates/otp/sms": SMS,
    "template-groups/both": {"templates": {"sms": "otp"}},
    "workflows/Welcome%20Series": {"steps": [STEP]},
    "lists/all": {"contacts": ["user_2", "user_1"]},
}
"""A body for one path of every kind; each names only what those before it put."""

Ask = Callable[..., Result]


@pytest.fixture
def library(empty_library: Callable[..., Library]) -> Iterator[Library]:
    with empty_library() as library:
        yield library


@pytest.fixture
def keys(library: Library) -> dict[str, str]:
    return {
        "acme": library.create_key("acme", ("catalog",)).key,
        "globex": library.create_key("globex", ("catalog",)).key,
        "reading": library.create_key("acme", ("read", "send", "events")).key,
    }


@pytest.fixture
def ask(library: Library, keys: dict[str, str]) -> Ask:
    client = TestClient(create_app(library))

    def ask(
        path: str, body: Any = None, key: str = "acme", method: str | None = None, **headers: str
    ) -> Result:
        """GETs a path, or PUTs a body there: bytes, or what is made JSON."""
        path, _, query = path.partition("?")
        named = {"X-API-Key": keys[key], "Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        method = method or ("GET" if body is None else "PUT")
        return client.simulate_request(
            method, f"/api/v1/{path}", body=body, query_string=query, headers=named
        )

    return ask


def put_all(ask: Ask, key: str = "acme") -> None:
    assert [ask(path, body, key).status_code for path, body in ITEMS.items()] == [201] * len(ITEMS)


def test_put_creates_then_replaces(ask: Ask) -> None:
    """The first PUT is a 201, the next a 200; both and GET answer with the item."""
    for path, body in ITEMS.items():
        created, replaced, got = ask(path, body), ask(path, body), ask(path)
        assert (created.status_code, replaced.status_code, got.status_code) == (201, 200, 200)
        assert created.json == replaced.json == got.json
        assert got.json["success"] is True
        assert got.headers["cache-control"] == "private, no-store"


def test_get_answers_what_the_library_does(ask: Ask, library: Library) -> None:
    """Each GET is the library's own answer."""
    put_all(ask)
    catalog = library.catalog
    expected = [
        catalog.contact("acme", "user é"),
        catalog.template("acme", "otp", "sms"),
        catalog.template_group("acme", "both"),
        catalog.workflow("acme", "Welcome Series"),
        catalog.list("acme", "all"),
    ]
    assert [ask(path).json["data"] for path in ITEMS] == [to_json(item) for item in expected]


def test_what_was_got_can_be_put(ask: Ask) -> None:
    """A GET's data is a good body of a PUT, and changes nothing; a list's page is not the list."""
    put_all(ask)
    for path in ITEMS:
        data = ask(path).json["data"]
        if path.startswith("lists"):
            assert_problem(ask(path, data), 400, "pagination")
        else:
            assert ask(path, data).json["data"] == data


@pytest.mark.parametrize("path", ITEMS)
def test_accounts_are_apart(ask: Ask, path: str) -> None:
    """Another account's items and unknown ones give 404s that are alike, and a PUT makes an item of one's own."""
    expected = ask(path, key="globex").text
    put_all(ask)
    answer = ask(path, key="globex")
    assert_problem(answer, 404)
    assert answer.text == expected
    before = ask(path).json
    put_all(ask, "globex")
    assert ask(path).json == before


@pytest.mark.parametrize(
    "path",
    ["contacts/x", "templates/x/sms", "templates/otp/fax", "lists/x", "lists/%ff", "workflows/" + "x" * 201],
)
def test_what_is_not_there_is_a_404(ask: Ask, path: str) -> None:
    """A name that is unknown, or can't be one, is a 404."""
    put_all(ask)
    assert_problem(ask(path), 404)


@pytest.mark.parametrize("path", ITEMS)
def test_the_scope_is_catalog(ask: Ask, path: str) -> None:
    """A key without the scope catalog neither gets nor puts, whatever it sends."""
    for body in (None, ITEMS[path], b"{"):
        assert "catalog" in assert_problem(ask(path, body, "reading"), 403)["detail"]


@pytest.mark.parametrize("path", ITEMS)
def test_other_methods_are_refused(ask: Ask, path: str) -> None:
    """POST, PATCH and DELETE are 405s that name what there is; HEAD is GET without a body."""
    for method in ("POST", "PATCH", "DELETE"):
        answer = ask(path, b"{}", method=method)
        assert_problem(answer, 405)
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "PUT"}
    put_all(ask)
    head = ask(path, method="HEAD")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b'"contacts"', "body"),
        (b"{} {}", "body"),
        (b"\xff", "body"),
        (b'{"contacts": ["\xe9"]}', "body"),
        (b"\xef\xbb\xbf{}", "body"),
        (b'{"contacts": [NaN]}', "body"),
        (b'{"contacts": -Infinity}', "body"),
        (b'{"contacts": [], "contacts": []}', "contacts"),
        (b'{"contacts": ["\\ud800"]}', "contacts[0]"),
        (b'{"contacts": ["\\u0000"]}', "contacts[0]"),
        (b"1" * 9999, "body"),
        (b"1e" + b"9" * 9999, "body"),
        (b"[" * 100_000, "body"),
        (b'{"a":' * 100_000, "body"),
    ],
)
def test_a_body_that_is_no_object_is_a_400(ask: Ask, body: bytes, field: str) -> None:
    """What isn't strictly a JSON object is a 400 that names the member, or the body."""
    assert_problem(ask("lists/all", body), 400, field)


@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "application/jsonp",
        "a/json",
    ],
)
def test_another_media_type_is_a_415(ask: Ask, media_type: str) -> None:
    """A body that isn't said to be JSON in UTF-8 is a 415."""
    assert_problem(ask("lists/all", {"contacts": []}, Content_Type=media_type), 415)


def test_a_compressed_body_is_a_415(ask: Ask) -> None:
    """A Content-Encoding that would have to be undone is a 415."""
    assert_problem(ask("lists/all", {"contacts": []}, Content_Encoding="gzip"), 415)


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=UTF-8", 'Application/JSON;charset="utf-8"']
)
def test_json_may_say_its_charset(ask: Ask, media_type: str) -> None:
    """The media type's case and a charset of UTF-8 don't matter."""
    assert ask("lists/all", {"contacts": []}, Content_Type=media_type).status_code == 201


def test_a_body_that_is_too_large_is_a_413(ask: Ask) -> None:
    """A mebibyte is taken, a byte more is a 413."""
    body = b'{"contacts": []}'.ljust(1 << 20)
    assert ask("lists/all", body).status_code == 201
    assert_problem(ask("lists/all", body + b" "), 413)


def test_every_bad_field_is_named(ask: Ask) -> None:
    """A 400 names each bad field of the body, and for an unknown one those that there are."""
    body = {"email": 1, "country": "in", "colour": "red"}
    problem = assert_problem(ask("contacts/a", body), 400, "email", "country", "colour")
    assert "external_id, email, phone_number, country, opted_out, attributes" in str(problem["errors"])
    steps = [STEP | {"step_id": ""}, STEP | {"delay_minutes": -1, "x": 1}]
    fields = ("steps[0].step_id", "steps[1].delay_minutes", "steps[1].x")
    assert_problem(ask("workflows/a", {"steps": steps}), 400, *fields)


def test_the_path_names_the_item(ask: Ask) -> None:
    """The name in the body must be the path's, and both must be good ones."""
    assert ask("contacts/a", {"external_id": "a"}).status_code == 201
    assert_problem(ask("contacts/a", {"external_id": "b"}), 400, "external_id")
    assert_problem(ask("contacts/%ff", {}), 400, "external_id")
    assert_problem(ask("contacts/" + "x" * 201, {}), 400, "external_id")
    assert_problem(ask("templates/otp/fax", SMS), 400, "channel")


def test_money_is_read_exactly(ask: Ask) -> None:
    """A price is taken as it is written, and refused with more than six decimals."""
    body = json.dumps(SMS)
    answer = ask("templates/a/sms", body.replace("0.0075", "0.000001").encode())
    assert answer.json["data"]["variants"][0]["price"] == 0.000001
    for wrong in ("0.0000001", "0.00000099999999999999999999", "-1", "1e10"):
        answer = ask("templates/a/sms", body.replace("0.0075", wrong).encode())
        assert_problem(answer, 400, "variants[0].price")


def test_what_is_named_must_be_there(ask: Ask) -> None:
    """A workflow of unknown templates is a 400 that names each step."""
    steps = [STEP, STEP | {"step_id": "s2"}]
    fields = ("steps[0].template_key", "steps[1].template_key")
    assert_problem(ask("workflows/a", {"steps": steps}), 400, *fields)
    assert_problem(ask("workflows/a"), 404)


def test_a_list_is_read_by_pages(ask: Ask) -> None:
    """A list's pages follow each other by external id; total counts all."""
    names = [f"user_{n:02}" for n in range(7)]
    first = ask("lists/all", {"contacts": names}).json["data"]
    assert first == {
        "name": "all",
        "contacts": names,
        "pagination": {"limit": 50, "next_cursor": None, "total": 7},
    }
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = ask(f"lists/all?limit=3{cursor and '&cursor='}{cursor}").json["data"]
        found += page["contacts"]
        cursor = page["pagination"]["next_cursor"]
    assert found == names
    assert_problem(ask("lists/all?limit=0&colour=red"), 400, "limit", "colour")
    assert_problem(ask("lists/all?cursor=x"), 400, "cursor")


@pytest.mark.parametrize(
    ("error", "status"),
    [(StoreUnavailable("secret"), 503), (MissingExtra("secret", "send"), 501), (KeyError("secret"), 500)],
)
def test_what_goes_wrong_is_a_problem(
    ask: Ask, library: Library, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    """A store that can't write now is a 503, a missing extra a 501, anything else a 500; none tells its cause."""

    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr(library.catalog, "replace", fail)
    answer = ask("contacts/a", {})
    assert_problem(answer, status)
    assert "secret" not in answer.text
