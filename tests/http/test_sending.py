"""Sends, workflow runs, cancels and delivery events over HTTP."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import pytest
from falcon.testing import Result, TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import ValidationError

from tests.http import world as worlds
from tests.http.problems import assert_problem
from tests.http.test_openapi import Json, assert_described, check, operation_at, properties
from tests.http.world import UNKNOWN, failing
from trigger_core import Library, sending
from trigger_core.catalog import Contact, ContactList, Template, Workflow
from trigger_core.errors import IdempotencyInFlight, StoreInDoubt, StoreUnavailable
from trigger_core.facts import CHANNELS
from trigger_falcon import create_app

Ask = Callable[..., Result]

CONTACT = {"recipient_type": "contact", "contact_external_id": "ana"}
SEND = {"template_key": "hello", **CONTACT}
RUN = {"workflow_name": "hello", **CONTACT}
EVENT = {"event_id": "e1", "type": "delivered", "occurred_at": "2025-11-23T10:00:00.000Z"}
UNMATCHED = EVENT | {"provider": "twilio", "provider_message_id": "SM1"}
CANCEL = f"triggers/{UNKNOWN}/cancel"
BODIES: dict[str, Json] = {
    "messages/email/send": SEND,
    "messages/sms/send": SEND,
    "messages/whatsapp/send": SEND,
    "workflows/trigger": RUN,
    CANCEL: {},
    "events": {"events": [UNMATCHED]},
}
SENDS = [path for path in BODIES if path.startswith("messages")]
REQUESTS = [*SENDS, "workflows/trigger"]
"""The paths that take a request and an idempotency key."""


def items() -> Iterator[Contact | ContactList | Template | Workflow]:
    text: Any = {"approved": True, "text": "Hello"}
    for channel in CHANNELS:
        subject = {"subject": "Hello"} if channel == "email" else {}
        yield Template(key="hello", channel=channel, variants=(text | subject,), currency="USD")
    yield Template(key="sms_only", channel="sms", variants=(text,), currency="USD")
    step: Any = {"step_id": "s1", "step_name": "Hello", "channel": "sms", "template_key": "hello"}
    for name in ("hello", "trigger"):
        yield Workflow(name=name, steps=(step,))
    for name in ("ana", "ben"):
        yield Contact(external_id=name, phone_number="+14155550101", email=f"{name}@example.org")
    yield ContactList(name="hello", contacts=("ana", "ben"))
    yield ContactList(name="empty", contacts=())


@pytest.fixture(scope="module")
def library() -> Iterator[Library]:
    with worlds.opened() as library:
        for item in items():
            library.catalog.put("acme", item)
        yield library


@pytest.fixture(scope="module")
def keys(library: Library) -> dict[str, str]:
    scopes = ("read", "send", "events", "catalog")
    return {
        "acme": library.create_key("acme", scopes).key,
        "globex": library.create_key("globex", scopes).key,
        "reading": library.create_key("acme", ("read", "catalog")).key,
        **{f"no {scope}": library.create_key("acme", set(scopes) - {scope}).key for scope in scopes},
    }


@pytest.fixture(scope="module")
def ask(library: Library, keys: dict[str, str]) -> Ask:
    client = TestClient(create_app(library))

    def ask(path: str, body: Any = None, method: str = "POST", key: str = "acme", **headers: str) -> Result:
        """POSTs a body to a path: bytes, or what is made JSON."""
        path, _, query = path.partition("?")
        named = {"Content-Type": "application/json", "X-API-Key": keys.get(key, key)} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        if not isinstance(body, bytes | None):
            body = json.dumps(body).encode()
        return client.simulate_request(
            method, f"/api/v1/{path}", body=body, query_string=query, headers=named
        )

    return ask


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    """An idempotency key of the test's own."""
    return str(abs(hash(request.node.nodeid)))


def got(ask: Ask, path: str) -> Any:
    answer = ask(path, method="GET")
    assert answer.status_code == 200, answer.text
    return answer.json


def made(ask: Ask, path: str = "messages/sms/send", body: Json = SEND, **more: str) -> Json:
    answer = ask(path, body, **more)
    assert answer.status_code == 202, answer.text
    found: Json = answer.json
    return found


# Sends and runs


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_send_to_a_contact_is_accepted(ask: Ask, channel: str) -> None:
    """The answer has the trigger and its job, beside success; the trigger answers as that channel's direct send."""
    answer = ask(f"messages/{channel}/send", SEND)
    assert answer.status_code == 202
    assert answer.headers["cache-control"] == "private, no-store"
    assert "idempotency-replayed" not in answer.headers
    assert list(answer.json) == ["success", "trigger_id", "job_id"]
    assert (answer.json["success"], answer.json["job_id"]) == (True, "1")
    trigger = got(ask, f"triggers/{answer.json['trigger_id']}")
    names = {"email": "Email", "sms": "SMS", "whatsapp": "WhatsApp"}
    assert trigger["flow_type"] == "direct_channel"
    assert trigger["trigger_type"] == channel
    assert trigger["campaign_name"] == f"{names[channel]} Send - hello"
    assert trigger["summary"]["total_contacts"] == 1
    assert got(ask, trigger["details_endpoint"].lstrip("/"))["channel"] == channel


@pytest.mark.parametrize(
    "recipients",
    [
        {"recipient_type": "contacts", "contact_external_ids": ["ana", "ben", "ana"]},
        {"contact_external_ids": ["ben", "ana"]},
        {"recipient_type": "list", "list_name": "hello"},
        {"list_name": "hello"},
    ],
)
def test_a_send_to_several_has_no_job(ask: Ask, recipients: Json) -> None:
    """A send to several contacts answers without a job_id; repeats collapse, and recipient_type may follow."""
    answer = made(ask, body={"template_key": "hello", **recipients})
    assert answer.keys() == {"success", "trigger_id"}
    assert got(ask, f"triggers/{answer['trigger_id']}")["summary"]["total_contacts"] == 2


@pytest.mark.parametrize("recipients", [CONTACT, {"list_name": "hello"}])
def test_a_run_has_no_job(ask: Ask, recipients: Json) -> None:
    """A workflow run answers with its trigger only, which is a workflow's."""
    answer = made(ask, "workflows/trigger", {"workflow_name": "hello", **recipients})
    assert answer.keys() == {"success", "trigger_id"}
    trigger = got(ask, f"triggers/{answer['trigger_id']}")
    assert (trigger["flow_type"], trigger["campaign_name"]) == ("workflow", "hello")
    assert len(got(ask, trigger["details_endpoint"].lstrip("/"))["steps"]) == 1


@pytest.mark.parametrize("path", REQUESTS)
def test_what_may_be_told_is_kept(ask: Ask, path: str) -> None:
    """A campaign's name and a time are the trigger's; null is as good as nothing."""
    told = {"campaign_name": "Größe", "scheduled_at": "2999-01-01T01:00:00+01:00", "variables": {"a": 1.5}}
    trigger = got(ask, f"triggers/{made(ask, path, BODIES[path] | told)['trigger_id']}")
    assert (trigger["campaign_name"], trigger["scheduled_at"]) == ("Größe", "2999-01-01T00:00:00.000Z")
    nulls = dict.fromkeys((*told, "list_name", "contact_external_ids"))
    trigger = got(ask, f"triggers/{made(ask, path, BODIES[path] | nulls)['trigger_id']}")
    assert trigger["scheduled_at"] is None


WRONG: list[tuple[Json, list[str]]] = [
    ({"colour": "red"}, ["colour"]),
    ({"idempotency_key": "x"}, ["idempotency_key"]),
    ({"campaign_name": 1, "scheduled_at": "soon", "colour": 1}, ["campaign_name", "colour", "scheduled_at"]),
    ({"scheduled_at": "2025-11-23T10:00:00"}, ["scheduled_at"]),
    ({"scheduled_at": 1}, ["scheduled_at"]),
    ({"variables": []}, ["variables"]),
    ({"variables": {"a": None}}, ["variables.a"]),
    ({"variables": {"a": {"b": 1}}}, ["variables.a"]),
    ({"recipient_type": "everybody"}, ["recipient_type"]),
    ({"recipient_type": "list"}, ["list_name"]),
    ({"recipient_type": "contacts"}, ["contact_external_ids"]),
    ({"list_name": "hello"}, ["list_name"]),
    ({"contact_external_ids": ["ben"]}, ["contact_external_ids"]),
    ({"recipient_type": None, "list_name": "hello"}, ["recipient_type"]),
    ({"recipient_type": None, "contact_external_id": None}, ["recipient_type"]),
    ({"contact_external_id": 1}, ["contact_external_id"]),
    ({"contact_external_id": ""}, ["contact_external_id"]),
    ({"contact_external_id": "x" * 201}, ["contact_external_id"]),
    ({"contact_external_id": "a\0"}, ["contact_external_id"]),
    ({"contact_external_id": ["ana"]}, ["contact_external_id"]),
]


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize(("change", "fields"), WRONG)
def test_what_is_wrong_is_named(ask: Ask, path: str, change: Json, fields: list[str]) -> None:
    """Each unknown, contradictory or mistyped member is named in a 400."""
    assert_problem(ask(path, BODIES[path] | change), 400, *fields)


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize(
    ("recipients", "field"),
    [
        ({"contact_external_ids": []}, "contact_external_ids"),
        ({"contact_external_ids": "ana"}, "contact_external_ids"),
        ({"contact_external_ids": {"ana": 1}}, "contact_external_ids"),
        ({"contact_external_ids": ["ana", 1]}, "contact_external_ids[1]"),
        ({"contact_external_ids": [f"user_{n}" for n in range(100_001)]}, "contact_external_ids"),
        ({"list_name": ["hello"]}, "list_name"),
        ({"list_name": "nowhere"}, "list_name"),
        ({"list_name": "empty"}, "list_name"),
    ],
)
def test_an_audience_must_be_there(ask: Ask, path: str, recipients: Json, field: str) -> None:
    """Nobody, too many, an unknown list and an empty one are 400s."""
    what = {name: value for name, value in BODIES[path].items() if name not in CONTACT}
    assert_problem(ask(path, what | recipients), 400, field)


@pytest.mark.parametrize("path", REQUESTS)
def test_what_is_sent_must_be_there(ask: Ask, path: str) -> None:
    """A template or workflow that is missing, unknown, another channel's or another account's is a 400."""
    name = "workflow_name" if path.startswith("workflows") else "template_key"
    assert_problem(ask(path, CONTACT), 400, name)
    assert_problem(ask(path, {}), 400, name, "recipient_type")
    for wrong in (None, 1, "", "nothing", "x" * 201):
        assert_problem(ask(path, {name: wrong, **CONTACT}), 400, name)
    several = {"contact_external_ids": [1, "ana", ""], "variables": {"a": None, "b": 1, "c": []}}
    named = ("contact_external_ids[0]", "contact_external_ids[2]", "variables.a", "variables.c")
    assert_problem(ask(path, several), 400, name, *named)
    if path != "messages/sms/send":
        assert_problem(ask(path, {name: "sms_only", **CONTACT}), 400, name)
    assert_problem(ask(path, BODIES[path], key="globex"), 400, name)


@pytest.mark.parametrize("path", SENDS)
def test_the_path_says_the_channel(ask: Ask, path: str) -> None:
    """A channel in the body is an unknown member, even the right one; those that there are don't name it."""
    problem = assert_problem(ask(path, SEND | {"channel": path.split("/")[1]}), 400, "channel")
    known = problem["errors"][0]["detail"].partition("known are ")[2].split(", ")
    assert known == [
        "template_key",
        "recipient_type",
        "contact_external_id",
        "contact_external_ids",
        "list_name",
        "campaign_name",
        "scheduled_at",
        "variables",
    ]


def test_there_are_three_channels(ask: Ask) -> None:
    """Another word than a channel's leads nowhere."""
    for word in ("fax", "messages", "executions"):
        assert_problem(ask(f"messages/{word}/send", SEND), 404)
    assert_problem(ask("sms/send", SEND), 404)


def test_a_workflow_may_be_called_trigger(ask: Ask) -> None:
    """POST runs a workflow; GET and PUT at the same path are those of the workflow that is called so."""
    stored = got(ask, "workflows/trigger")["data"]
    assert stored["name"] == "trigger"
    assert ask("workflows/trigger", method="HEAD").content == b""
    assert ask("workflows/trigger", stored, "PUT").json["data"] == stored
    assert_problem(ask("workflows/trigger", method="GET", key="no catalog"), 403)
    assert_problem(ask("workflows/trigger", stored | {"name": "other"}, "PUT"), 400, "name")
    answer = made(ask, "workflows/trigger", {"workflow_name": "trigger", **CONTACT})
    assert got(ask, f"triggers/{answer['trigger_id']}")["campaign_name"] == "trigger"
    assert_problem(ask("workflows/hello", RUN), 405)


@pytest.mark.parametrize("path", REQUESTS)
def test_as_many_contacts_as_may_be_named_fit(
    ask: Ask, library: Library, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A hundred thousand ids go into a body, and reach the library."""
    method = "run" if path.startswith("workflows") else "send"
    mock = Mock(return_value=sending.Receipt(trigger_id=UNKNOWN))
    monkeypatch.setattr(library, method, mock)
    ids = [f"{UNKNOWN}{n:06}" for n in range(100_000)]
    what = {name: value for name, value in BODIES[path].items() if name not in CONTACT}
    assert made(ask, path, what | {"contact_external_ids": ids}) == {"success": True, "trigger_id": UNKNOWN}
    assert mock.call_args.args[1].contact_external_ids == tuple(ids)


# Bodies and access


@pytest.mark.parametrize("path", BODIES)
def test_a_body_is_a_json_object(ask: Ask, path: str) -> None:
    """Another media type and a compressed body are 415s; what is no object is a 400."""
    assert_problem(ask(path, BODIES[path], Content_Type="text/plain"), 415)
    assert_problem(ask(path, BODIES[path], Content_Encoding="gzip"), 415)
    for body in (b"{", b"[]", b'"x"', b"null", b"\xff", b"[" * 100_000):
        assert_problem(ask(path, body), 400, "body")
    assert_problem(ask(path, b'{"colour": 1, "colour": 2}'), 400, "colour")


@pytest.mark.parametrize("path", BODIES)
def test_a_body_has_a_length_that_is_taken(ask: Ask, path: str) -> None:
    """Requests and events may have eight mebibytes, a cancel one; a byte more is a 413."""
    most = (1 if path == CANCEL else 8) << 20
    body = json.dumps(BODIES[path]).encode().ljust(most)
    assert ask(path, body).status_code in {200, 202, 404}
    assert str(most) in assert_problem(ask(path, body + b" "), 413)["detail"]


@pytest.mark.parametrize("path", [path for path in BODIES if path != CANCEL])
def test_a_body_is_needed(ask: Ask, path: str) -> None:
    """No body at all is a 400."""
    assert_problem(ask(path), 400, "body")


@pytest.mark.parametrize("path", BODIES)
def test_a_query_is_refused(ask: Ask, path: str) -> None:
    """A query parameter is unknown here."""
    assert_problem(ask(f"{path}?dry_run=1", BODIES[path]), 400, "dry_run")


@pytest.mark.parametrize("path", BODIES)
def test_a_scope_is_needed(ask: Ask, path: str) -> None:
    """Without a key it is a 401, without the scope a 403 that names it, whatever else is wrong."""
    scope = "events" if path == "events" else "send"
    for body in (BODIES[path], {"colour": 1}, b"{", None):
        assert_problem(ask(path, body, key="nobody"), 401)
        for key in ("reading", f"no {scope}"):
            assert scope in assert_problem(ask(f"{path}?x=1", body, key=key), 403)["detail"]


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (path, method)
        for path in BODIES
        for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE")
        if path != "workflows/trigger" or method in {"PATCH", "DELETE"}
    ],
)
def test_other_methods_are_refused(ask: Ask, path: str, method: str) -> None:
    """Only POST is answered, but for the workflow that has the same path."""
    answer = ask(path, method=method)
    assert answer.status_code == 405
    assert {"POST", "OPTIONS"} <= set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    ("error", "status"),
    [(StoreUnavailable("secret"), 503), (StoreInDoubt("secret"), 503), (KeyError("secret"), 500)],
)
def test_what_goes_wrong_is_a_problem(
    library: Library, keys: dict[str, str], document: Json, path: str, error: Exception, status: int
) -> None:
    """A store that can't write now is a 503, anything else a 500; neither tells its cause, but what may be recorded."""
    client = TestClient(create_app(failing(library, error)))
    answer = client.simulate_post(f"/api/v1/{path}", json=BODIES[path], headers={"X-API-Key": keys["acme"]})
    assert_problem(answer, status)
    assert "secret" not in answer.text
    assert ("may have been recorded" in answer.text) == isinstance(error, StoreInDoubt)
    assert_described(document, operation_at(document, f"/api/v1/{path}", "post"), answer)


# Idempotency keys


@pytest.mark.parametrize("path", REQUESTS)
def test_a_request_with_the_same_key_gets_the_same_answer(ask: Ask, key: str, path: str) -> None:
    """The same key and body give the first answer, byte for byte, and say so; a new key makes a new trigger."""
    first = ask(path, BODIES[path], Idempotency_Key=key)
    same = dict(reversed(BODIES[path].items()))
    again = [
        ask(path, body, Idempotency_Key=key) for body in (BODIES[path], same, same | {"variables": None})
    ]
    assert "idempotency-replayed" not in first.headers
    assert {answer.headers["idempotency-replayed"] for answer in again} == {"true"}
    assert {answer.status_code for answer in (first, *again)} == {202}
    assert {answer.content for answer in (first, *again)} == {first.content}
    others = [made(ask, path, BODIES[path], Idempotency_Key=f"{key}x"), made(ask, path, BODIES[path])]
    assert len({answer["trigger_id"] for answer in (first.json, *others)}) == 3


def test_a_key_belongs_to_one_request(ask: Ask, key: str) -> None:
    """The same key with another body, channel or path is a 422."""
    made(ask, Idempotency_Key=key)
    for path, body in (
        ("messages/sms/send", SEND | {"contact_external_id": "ben"}),
        ("messages/sms/send", SEND | {"scheduled_at": "2999-01-01T00:00:00Z"}),
        ("messages/whatsapp/send", SEND),
        ("workflows/trigger", RUN),
    ):
        problem = assert_problem(ask(path, body, Idempotency_Key=key), 422)
        assert problem["type"] == "/api/docs#idempotency-mismatch"


def test_a_key_belongs_to_one_account(ask: Ask, library: Library, key: str) -> None:
    """Accounts don't meet each other's keys."""
    for item in items():
        library.catalog.put("initech", item)
    other = library.create_key("initech", ("send",)).key
    first = made(ask, Idempotency_Key=key)
    answer = ask("messages/sms/send", SEND, key=other, Idempotency_Key=key)
    assert (answer.status_code, "idempotency-replayed" in answer.headers) == (202, False)
    assert answer.json["trigger_id"] != first["trigger_id"]


def test_a_refused_request_leaves_its_key(ask: Ask, key: str) -> None:
    """After a 400, the key is free for the corrected request."""
    assert_problem(ask("messages/sms/send", SEND | {"template_key": "x"}, Idempotency_Key=key), 400)
    made(ask, Idempotency_Key=key)


@pytest.mark.parametrize("path", REQUESTS)
def test_a_key_in_flight_is_a_409(
    ask: Ask, library: Library, document: Json, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """While a request with the key is being handled, another one is told to come back."""
    monkeypatch.setattr(library, "run", Mock(side_effect=IdempotencyInFlight()))
    monkeypatch.setattr(library, "send", Mock(side_effect=IdempotencyInFlight()))
    answer = ask(path, BODIES[path], Idempotency_Key="x")
    assert assert_problem(answer, 409)["type"] == "/api/docs#idempotency-in-flight"
    assert answer.headers["retry-after"] == "1"
    assert_described(document, operation_at(document, f"/api/v1/{path}", "post"), answer)


@pytest.mark.parametrize("path", REQUESTS)
def test_keys_are_visible_ascii(ask: Ask, path: str) -> None:
    """A key has 1 to 200 characters from ! to ~; another is a 400 that names the header."""
    for good in ("!", "~", '"k"', "k" * 200, "a,b"):
        assert ask(path, BODIES[path], Idempotency_Key=f"{good}").status_code in {202, 422}
    for bad in ("", " ", "a b", "k" * 201, "é", "a, b", "\x7f"):
        assert_problem(ask(path, BODIES[path], Idempotency_Key=bad), 400, "Idempotency-Key")


# Cancels


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("body", [None, b"", {}])
def test_a_cancel_answers_with_the_trigger(ask: Ask, path: str, body: Any) -> None:
    """The answer to a cancel, and to another, is what GET answers from then on, with its tag."""
    later = BODIES[path] | {"scheduled_at": "2999-01-01T00:00:00Z"}
    trigger = f"triggers/{made(ask, path, later)['trigger_id']}"
    assert got(ask, trigger)["status"] == "pending"
    cancelled, again = ask(f"{trigger}/cancel", body), ask(f"{trigger}/cancel", body)
    assert (cancelled.status_code, cancelled.json["status"]) == (200, "cancelled")
    read = ask(trigger, method="GET")
    assert cancelled.content == again.content == read.content
    assert cancelled.headers["etag"] == read.headers["etag"]
    polled = ask(trigger, method="GET", If_None_Match=cancelled.headers["etag"])
    assert polled.status_code == 304


def test_a_cancel_needs_no_media_type(ask: Ask) -> None:
    """Where there is no body, nothing must be said of it."""
    trigger_id = made(ask)["trigger_id"]
    assert ask(f"triggers/{trigger_id}/cancel", Content_Type="").status_code == 200


def test_a_cancel_takes_no_members(ask: Ask) -> None:
    """A body with anything in it is a 400."""
    trigger_id = made(ask)["trigger_id"]
    assert_problem(ask(f"triggers/{trigger_id}/cancel", {"reason": "x", "at": 1}), 400, "reason", "at")


def test_what_is_not_there_cannot_be_cancelled(ask: Ask) -> None:
    """Unknown, malformed and other accounts' ids give 404s that differ in the id only."""
    mine = made(ask)["trigger_id"]
    before = got(ask, f"triggers/{mine}")
    answers = {
        trigger_id: ask(f"triggers/{trigger_id}/cancel", key="globex")
        for trigger_id in (mine, UNKNOWN, "x", "1", mine[:-1])
    }
    for trigger_id, answer in answers.items():
        assert_problem(answer, 404)
        assert answer.text.replace(f"/{trigger_id}/", "/ID/") == answers[UNKNOWN].text.replace(UNKNOWN, "ID")
    assert got(ask, f"triggers/{mine}") == before


# Events


@pytest.fixture
def job(ask: Ask) -> Json:
    """The ids of a job."""
    details = got(ask, f"triggers/{made(ask)['trigger_id']}/direct")
    return {"execution_id": details["execution"]["id"], "job_id": "1"}


def test_events_are_counted(ask: Ask, job: Json, key: str) -> None:
    """Each event is new, known, or kept until its job is; ids may be as answers have them, or numbers."""
    fresh = EVENT | job | {"event_id": f"{key}-1"}
    kept = UNMATCHED | {"event_id": f"{key}-2", "provider_message_id": key}
    unknown = EVENT | job | {"event_id": f"{key}-3", "execution_id": UNKNOWN, "job_id": 7}
    answer = ask("events", {"events": [fresh, kept, unknown]})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-store")
    assert answer.json == {"success": True, "data": {"accepted": 1, "duplicate": 0, "unmatched": 2}}
    spelled_out = fresh | {"job_id": 1, "provider": None, "provider_message_id": None}
    again = ask("events", {"events": [fresh, spelled_out]}).json["data"]
    assert again == {"accepted": 0, "duplicate": 2, "unmatched": 0}
    shown = got(ask, f"sms/executions/{job['execution_id']}/jobs/1")["data"]
    assert shown["delivered_at"] == EVENT["occurred_at"]


def test_events_of_others_change_nothing(ask: Ask, job: Json) -> None:
    """An event about another account's job doesn't reach it."""
    path = f"sms/executions/{job['execution_id']}/jobs/1"
    before = got(ask, path)
    ask("events", {"events": [EVENT | job | {"event_id": "theirs"}]}, key="globex")
    assert got(ask, path) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "vanished"}, "type"),
        ({"type": None}, "type"),
        ({"event_id": 1}, "event_id"),
        ({"event_id": ""}, "event_id"),
        ({"occurred_at": "now"}, "occurred_at"),
        ({"occurred_at": "2025-11-23T10:00:00"}, "occurred_at"),
        ({"occurred_at": 1763892000}, "occurred_at"),
        ({"at": "2025-11-23T10:00:00Z"}, "at"),
        ({"account": "globex"}, "account"),
        ({"kind": "event"}, "kind"),
        ({"colour": "red"}, "colour"),
        ({"provider": None}, "provider"),
        ({"provider_message_id": 1}, "provider_message_id"),
        ({"execution_id": UNKNOWN}, "execution_id"),
        ({"job_id": 1}, "job_id"),
        ({"provider": None, "provider_message_id": None, "job_id": 1}, "execution_id"),
        ({"provider": None, "provider_message_id": None, "execution_id": UNKNOWN}, "job_id"),
    ],
)
def test_a_bad_event_is_named(ask: Ask, change: Json, field: str) -> None:
    """What is wrong with an event is named by its place in the batch; nothing of the batch is recorded."""
    batch = [UNMATCHED | {"event_id": f"good-{n}"} for n in range(3)] + [UNMATCHED | change]
    assert_problem(ask("events", {"events": batch}), 400, f"events[3].{field}")


@pytest.mark.parametrize("target", [{}, {"provider": "twilio"}, {"job_id": 1}, UNMATCHED | {"job_id": 1}])
def test_what_is_asked_for_is_taken(ask: Ask, target: Json) -> None:
    """An event that names no job, or half of one, is told what to give, and no account: that is the key's."""
    problem = assert_problem(ask("events", {"events": [EVENT | {"event_id": "e"} | target]}), 400)
    assert problem["errors"][0]["detail"].endswith(
        ": give execution_id and job_id, or provider and provider_message_id"
    )


@pytest.mark.parametrize("job_id", [0, -1, 1.0, 2**31, "0", "01", " 1", "x", "", "9999999999", True, [1]])
def test_a_job_id_is_a_number_from_1(ask: Ask, job: Json, job_id: Any) -> None:
    """A job_id that no job can have is named."""
    answer = ask("events", {"events": [EVENT | job | {"job_id": job_id}]})
    assert_problem(answer, 400, "events[0].job_id")


@pytest.mark.parametrize("name", EVENT)
def test_a_missing_member_is_named(ask: Ask, name: str) -> None:
    """An event needs its id, its type and its time."""
    event = {key: value for key, value in UNMATCHED.items() if key != name}
    assert_problem(ask("events", {"events": [event]}), 400, f"events[0].{name}")


def test_every_bad_event_is_named(ask: Ask) -> None:
    """Several bad events are all named, in their order."""
    batch = [UNMATCHED, UNMATCHED | {"type": 1}, UNMATCHED, UNMATCHED | {"colour": 1}]
    problem = assert_problem(ask("events", {"events": batch}), 400)
    assert [error["field"] for error in problem["errors"]] == ["events[1].type", "events[3].colour"]


def test_all_that_is_wrong_with_an_event_is_named(ask: Ask) -> None:
    """Each member of an event that is unknown, missing or wrong is named."""
    problem = assert_problem(
        ask("events", {"events": [{"type": 1, "occurred_at": "2026", "job_id": 0, "x": 1}]}), 400
    )
    fields = ("event_id", "job_id", "occurred_at", "type", "x")
    assert [error["field"] for error in problem["errors"]] == [f"events[0].{field}" for field in fields]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["events"]),
        ({"events": []}, ["events"]),
        ({"events": None}, ["events"]),
        ({"events": UNMATCHED}, ["events"]),
        ({"events": "x"}, ["events"]),
        ({"events": [UNMATCHED] * 10_001}, ["events"]),
        ({"events": [UNMATCHED, 1, [], None]}, ["events[1]", "events[2]", "events[3]"]),
        ({"events": [UNMATCHED], "account": "globex"}, ["account"]),
        (UNMATCHED, [*UNMATCHED, "events"]),
    ],
)
def test_a_batch_is_a_list_of_events(ask: Ask, body: Json, fields: list[str]) -> None:
    """A batch is an object with 1 to 10,000 events, each an object, and nothing else."""
    assert_problem(ask("events", body), 400, *fields)


def test_a_batch_may_be_long(ask: Ask) -> None:
    """Ten thousand events are taken at once."""
    batch = [UNMATCHED | {"event_id": f"long-{n}", "provider_message_id": f"L{n}"} for n in range(10_000)]
    counts = ask("events", {"events": batch}).json["data"]
    assert counts == {"accepted": 0, "duplicate": 0, "unmatched": 10_000}


# The document


def test_answers_are_as_described(ask: Ask, document: Json, key: str) -> None:
    """Every answer, good or bad, is one that its operation has."""
    for path, body in BODIES.items():
        operation = operation_at(document, f"/api/v1/{path}", "post")
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        check(document, schema, body)
        found = {ask(path, body), ask(path, body, key="nobody"), ask(path, body, key="reading")}
        found |= {ask(path, {"colour": 1}), ask(path, body, Content_Type="text/plain")}
        found.add(ask(path, b" " * ((8 << 20) + 1)))
        if path in REQUESTS:
            found |= {ask(path, body, Idempotency_Key=f"{key}{path}") for _ in range(2)}
            found.add(ask(path, body | {"variables": {}}, Idempotency_Key=f"{key}{path}"))
        if path == CANCEL:
            found.add(ask(f"triggers/{made(ask)['trigger_id']}/cancel"))
        for answer in found:
            assert_described(document, operation, answer)
        told_elsewhere = {"405", "409", "500", "503"}
        assert {str(answer.status_code) for answer in found} == set(operation["responses"]) - told_elsewhere


def test_keys_and_replays_are_described(document: Json) -> None:
    """Requests may have an idempotency key, and no other operation has one."""
    for path, methods in document["paths"].items():
        for operation in methods.values():
            names = {each["name"] for each in operation["parameters"] if each["in"] == "header"}
            assert ("Idempotency-Key" in names) == (path.removeprefix("/api/v1/") in REQUESTS)
            replayed = operation["responses"].get("202", {"headers": {}})["headers"]
            assert ("Idempotency-Replayed" in replayed) == ("Idempotency-Key" in names)


VALUES: list[Any] = ["hello", 1, 0, -1, 1.5, True, [], ["ana"], [1], {}, {"a": "b"}, {"a": []}, None]
VALUES += ["2025-11-23T10:00:00Z", "2025-11-23", "contact", "delivered", UNKNOWN, "1", "0", "1x"]


def disagreements(document: Json, component: str, judge: Callable[[str, Any], bool]) -> list[tuple[str, Any]]:
    """The members and values of which a schema and the application don't think alike."""
    found = []
    for name, schema in properties(document, component).items():
        for value in VALUES:
            try:
                check(document, schema, value)
                is_good = True
            except ValidationError:
                is_good = False
            if judge(name, value) != is_good:
                found.append((name, value))
    return found


@pytest.mark.parametrize(
    ("component", "path"), [("SendBody", "messages/sms/send"), ("WorkflowRunBody", "workflows/trigger")]
)
def test_members_of_requests_are_what_is_taken(ask: Ask, document: Json, component: str, path: str) -> None:
    """A value that a member's schema refuses is a 400 that names it, and no other is."""
    recipients = {"contact_external_id", "contact_external_ids", "list_name"}

    def judge(name: str, value: Any) -> bool:
        body = BODIES[path] | {name: value}
        if name in recipients:
            body = {key: each for key, each in body.items() if key == name or key not in CONTACT}
        fields = [error["field"] for error in ask(path, body).json.get("errors", [])]
        return not any(
            field.startswith(name) and field.removeprefix(name)[:1] in {"", ".", "["} for field in fields
        )

    known = {"template_key": "hello", "workflow_name": "hello", "list_name": "hello"}
    expected = {
        (name, value)
        for name, good in known.items()
        for value in VALUES
        if isinstance(value, str) and value != good and name in properties(document, component)
    }
    assert set(disagreements(document, component, judge)) == expected


def test_members_of_events_are_what_is_taken(ask: Ask, document: Json) -> None:
    """A value that a member's schema refuses is a 400 that names it, and no other is but null in a pair."""
    target = {"execution_id": UNKNOWN, "job_id": "1"}

    def judge(name: str, value: Any) -> bool:
        event = EVENT | target | {name: value} if name in EVENT | target else UNMATCHED | {name: value}
        fields = [error["field"] for error in ask("events", {"events": [event]}).json.get("errors", [])]
        return f"events[0].{name}" not in fields

    pairs = ("execution_id", "job_id", "provider", "provider_message_id")
    assert disagreements(document, "EventBody", judge) == [(name, None) for name in pairs]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(VALUES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
members = st.sampled_from(
    (*SEND, "workflow_name", "contact_external_ids", "list_name", "scheduled_at", "variables", "events", "x")
)


@settings(max_examples=40, deadline=None)
@given(
    path=st.sampled_from(list(BODIES)),
    change=st.dictionaries(members, json_values, max_size=3),
    event=st.dictionaries(
        st.sampled_from((*UNMATCHED, "execution_id", "job_id", "x")), json_values, max_size=3
    ),
    key=st.none() | st.text(st.characters(max_codepoint=255), max_size=5),
)
def test_random_bodies_get_described_answers(
    ask: Ask, path: str, change: Json, event: Json, key: str | None
) -> None:
    """Whatever is in a body, the answer is a 2xx or a problem that names each bad member once."""
    body = BODIES[path] | change
    if "events" in BODIES[path] and "events" not in change:
        body = body | {"events": [UNMATCHED | event]}
    headers = {} if key is None else {"Idempotency_Key": key}
    answer = ask(path, body, **headers)
    if answer.status_code >= 300:
        assert answer.status_code in {400, 404, 422}
        fields = [error["field"] for error in assert_problem(answer, answer.status_code).get("errors", [])]
        assert len(fields) == len(set(fields))
