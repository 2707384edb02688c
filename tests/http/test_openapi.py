"""The OpenAPI document says what the application does."""

import inspect
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints
from unittest.mock import Mock

import attrs
import falcon
import pytest
from falcon.inspect import inspect_routes
from falcon.testing import Result, TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

import trigger_core
from tests.http import examples
from tests.http.conftest import Ask
from tests.http.test_catalog import ITEMS
from tests.http.test_properties import queries
from tests.http.world import DIRECT, EXECUTION, JOBS, READING, TRIGGER, UNKNOWN, WORKFLOW, World, failing
from trigger_core import answers, facts
from trigger_core.errors import MissingExtra, StoreUnavailable
from trigger_falcon import create_app
from trigger_falcon._openapi import document as describe
from trigger_falcon._operations import Operation
from trigger_falcon._schemas import FORMATS, NARROWED

Json = dict[str, Any]
ALL = (
    *READING,
    f"/api/v1/messages/executions/{EXECUTION}/jobs",
    "/healthz",
    "/api/openapi.json",
    "/api/docs",
)


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def closed(value: Any) -> Any:
    """``value`` with every object schema refusing members that it doesn't name: so an undescribed key shows."""
    if isinstance(value, list):
        return [closed(item) for item in value]
    if not isinstance(value, dict):
        return value
    strict = {} if "properties" not in value else {"additionalProperties": False}
    return strict | {key: closed(item) for key, item in value.items()}


def check(document: Json, schema: Json, value: object) -> None:
    validator(json.dumps(document["components"]), json.dumps(schema)).validate(value)


@cache
def validator(components: str, schema: str) -> Any:
    resource = DRAFT202012.create_resource({"components": closed(json.loads(components))})
    return Draft202012Validator(
        closed(json.loads(schema.replace('"#/', '"urn:document#/'))),
        registry=Registry().with_resource("urn:document", resource),
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def resolved(document: Json, value: Json) -> Json:
    while "$ref" in value:
        target: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value


def operation_at(document: Json, path: str, method: str = "get") -> Json:
    """The operation of the path template that ``path`` matches best."""
    parts = path.split("/")
    matching = [
        template
        for template in document["paths"]
        if len(template.split("/")) == len(parts)
        and all(a == b or a.startswith("{") for a, b in zip(template.split("/"), parts, strict=True))
    ]
    operation: Json = document["paths"][min(matching, key=lambda template: template.count("{"))][method]
    return operation


def assert_described(document: Json, operation: Json, answer: Any) -> None:
    """The answer is one that the operation has: status, headers, media type and body."""
    response = resolved(document, operation["responses"][str(answer.status_code)])
    always = {
        name.lower() for name, header in response["headers"].items() if resolved(document, header)["required"]
    }
    assert always <= {name.lower() for name in answer.headers}
    if answer.status_code == 304:
        assert "content" not in response
        return
    media_type = answer.headers["content-type"].partition(";")[0]
    [(described, content)] = response["content"].items()
    assert described == media_type
    value = answer.text if media_type == "text/html" else json.loads(answer.content)
    check(document, content["schema"], value)


def test_the_document_is_an_openapi_3_1_document(document: Json) -> None:
    """The document is valid OpenAPI 3.1, and each operationId is there once."""
    OpenAPIV31SpecValidator(document).validate()
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    tags = {tag["name"] for tag in document["tags"]}
    assert {tag for _, _, operation in operations(document) for tag in operation["tags"]} == tags
    assert all(operation["summary"] for _, _, operation in operations(document))


def test_every_route_is_described_and_the_reverse(client: TestClient, document: Json) -> None:
    """The document has every path and method of the application, but for the files of its page, and no other."""
    assert isinstance(client.app, falcon.App)
    routed = {
        (route.path, method.method)
        for route in inspect_routes(client.app)
        for method in route.methods
        if method.method not in {"HEAD", "OPTIONS"} and not method.internal
    }
    described = {(path, method) for path, method, _ in operations(document)}
    elsewhere = {("/api/docs/{name}", "GET")}
    elsewhere |= {
        ("/api/v1/workflows/trigger", method) for method in ("GET", "PUT")
    }  # under workflows/{name}
    assert routed - elsewhere == described


def test_path_parameters_are_those_of_the_path(document: Json) -> None:
    """Each part of a path in braces is a described parameter."""
    for path, _, operation in operations(document):
        named = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
        assert named == [part[1:-1] for part in path.split("/") if part.startswith("{")]


def test_query_parameters_are_those_that_are_taken(document: Json, ask: Ask) -> None:
    """A 400 for an unknown parameter allows what the document has, in its order; each has a description."""
    for path in READING:
        described = [each for each in operation_at(document, path)["parameters"] if each["in"] == "query"]
        [error] = ask(f"{path}?colour=red").json["errors"]
        allowed = ", ".join(each["name"] for each in described) or "none"
        assert error["detail"].endswith(f"allowed: {allowed}")
        assert all(each["description"] for each in described)


def test_query_parameters_take_what_their_schema_says(document: Json, ask: Ask) -> None:
    """Every option and bound of a parameter is accepted, and what lies beyond is refused."""
    for path in ("/api/v1/triggers", JOBS):
        for each in operation_at(document, path)["parameters"]:
            name, schema = each["name"], each["schema"]
            if each["in"] != "query" or name == "cursor":
                continue
            good = schema.get("enum", [])
            bad = [f"{option}x" for option in good]
            if schema["type"] == "integer":
                good, bad = (
                    [schema["minimum"], schema["maximum"], schema["default"]],
                    [schema["minimum"] - 1, schema["maximum"] + 1],
                )
            elif "maxLength" in schema:
                good, bad = ["x" * schema["maxLength"]], ["x" * (schema["maxLength"] + 1)]
            elif schema.get("format") == "date-time":
                good, bad = ["2025-11-23T02:25:28.090Z"], ["2025-11-23T02:25:28.090"]
            assert good
            assert bad
            assert {200} == {ask(f"{path}?{name}={value}").status_code for value in good}
            assert {400} == {ask(f"{path}?{name}={value}").status_code for value in bad}


def test_defaults_are_those_of_the_library(document: Json, ask: Ask) -> None:
    """The default of limit is what a page without one has."""
    for path in ("/api/v1/triggers", JOBS):
        parameters = {each["name"]: each["schema"] for each in operation_at(document, path)["parameters"]}
        assert parameters["limit"]["default"] == ask(path).json["data"]["pagination"]["limit"]


def test_scopes_are_those_that_are_asked_for(world: World, document: Json, ask: Ask) -> None:
    """An operation that names a scope is closed to a key with all the others, and one that names none is open."""
    for path in ALL:
        security = operation_at(document, path)["security"]
        if security:
            [[scope]] = [required["ApiKey"] for required in security]
            assert scope in ask(path, key=world.sending_key).json["detail"]
        else:
            assert ask(path, key=None).status_code == 200


@pytest.mark.parametrize("path", ALL)
def test_answers_are_as_described(world: World, document: Json, ask: Ask, path: str) -> None:
    """Answers, 304s and every kind of problem are what the operation says, with no key that it doesn't name."""
    operation = operation_at(document, path)
    answer = ask(path)
    assert answer.status_code == (404 if "messages" in path else 200)
    found = [answer, ask(path, key=None), ask(path, key=world.sending_key), ask(path, "POST")]
    found.append(ask(f"{path}?colour=red&limit=x"))
    if "etag" in answer.headers:
        found.append(ask(path, If_None_Match=answer.headers["etag"]))
    found.append(ask(path.replace(DIRECT, UNKNOWN).replace(WORKFLOW, UNKNOWN).replace(EXECUTION, UNKNOWN)))
    for error in (StoreUnavailable(), RuntimeError()):
        broken = TestClient(create_app(failing(world.library, error)))
        if path.startswith("/api/v1"):
            found.append(broken.simulate_get(path, headers={"X-API-Key": world.key}))
    for each in found:
        assert_described(document, operation, each)


@pytest.mark.parametrize(
    "path", [f"{TRIGGER}/workflow", f"/api/v1/triggers/{WORKFLOW}/direct"], ids=["workflow", "direct"]
)
def test_the_wrong_flow_is_as_described(document: Json, ask: Ask, path: str) -> None:
    """The 404 for the wrong flow is the operation's, with its details_endpoint."""
    answer = ask(path)
    assert answer.status_code == 404
    assert_described(document, operation_at(document, path), answer)


@pytest.fixture(scope="module")
def described(document: Json) -> Callable[[str, Result], None]:
    """Holds an answer against the description; a function, for Hypothesis can't print a whole document."""

    def check(path: str, answer: Result) -> None:
        assert_described(document, operation_at(document, path), answer)

    return check


@settings(max_examples=50, deadline=None)
@given(
    path=st.sampled_from((*READING, f"{TRIGGER}/workflow", f"{JOBS}/9", f"{JOBS}/x", "/healthz")),
    query=queries,
    key=st.sampled_from(("good", "good", "strange", "sending", "none")),
    tag=st.sampled_from((None, "*", '"x"')),
)
def test_random_requests_get_described_answers(
    world: World,
    client: TestClient,
    described: Callable[[str, Result], None],
    path: str,
    query: str,
    key: str,
    tag: str | None,
) -> None:
    """Whatever is asked of a described path, the answer is one of its operation."""
    keys = {"good": world.key, "strange": world.strangers_key, "sending": world.sending_key}
    headers = {} if key == "none" else {"X-API-Key": keys[key]}
    if tag is not None:
        headers["If-None-Match"] = tag
    query = query.encode("ascii", "ignore").decode().lstrip("?")  # the client refuses such a beginning
    described(path, client.simulate_get(path, query_string=query, headers=headers))


@pytest.fixture(scope="module")
def remade() -> Json:
    return examples.make()


def test_the_examples_are_what_the_library_answers(remade: Json) -> None:
    """The examples kept beside the application are its answers; ``python -m tests.http.examples`` renews them."""
    assert json.loads(examples.FILE.read_text(encoding="utf-8")) == remade


def test_every_operation_and_problem_has_examples_that_fit(document: Json, remade: Json) -> None:
    """Each body, JSON answer and problem has examples, and all are valid against their schemas."""
    shown = 0
    for _, _, operation in operations(document):
        sent = [operation["requestBody"]] if "requestBody" in operation else []
        for message in (*sent, *operation["responses"].values()):
            for content in resolved(document, message).get("content", {}).values():
                if operation["operationId"] in {"getOpenapi", "getDocs"} and "examples" not in content:
                    continue
                for example in content["examples"].values():
                    check(document, content["schema"], example["value"])
                    shown += 1
    assert shown > 50
    ids = {operation["operationId"] for _, _, operation in operations(document)}
    assert set(remade["answers"]) == ids - {"getOpenapi", "getDocs"}


def properties(document: Json, name: str) -> Json:
    found: Json = document["components"]["schemas"][name]["properties"]
    return found


def test_enums_are_the_literals(document: Json) -> None:
    """Each member that is a Literal has exactly its values, and null where it may be."""
    literals = (
        ("Trigger", "flow_type", answers.FlowType),
        ("Trigger", "trigger_type", answers.TriggerType),
        ("Trigger", "status", answers.Status),
        ("Execution", "status", answers.Status),
        ("Step", "status", answers.StepStatus),
        ("Step", "channel", answers.Channel),
        ("DirectDetails", "channel", answers.Channel),
        *((f"{channel.title()}Job", "status", answers.JobStatus) for channel in facts.CHANNELS),
        ("WorkflowDetails", "workflow_type", get_type_hints(answers.WorkflowDetails)["workflow_type"]),
    )
    for name, member, literal in literals:
        assert properties(document, name)[member] == {"type": "string", "enum": list(get_args(literal))}


def test_types_are_exact(document: Json) -> None:
    """Ids, times, amounts, counts and what may be null or absent are what the classes say."""
    trigger, execution = properties(document, "Trigger"), properties(document, "Execution")
    assert trigger["id"] == {"type": "string", "format": "uuid"}
    assert trigger["created_at"] == {"type": "string", "format": "date-time"}
    assert trigger["scheduled_at"] == {"type": ["string", "null"], "format": "date-time"}
    assert trigger["duration_seconds"] == {"type": ["number", "null"], "minimum": 0}
    assert execution["total_segments"] == {"type": "integer", "minimum": 0}
    assert execution["estimated_cost"] == {"type": "number", "minimum": 0}
    analytics = [f"#/components/schemas/{name}Analytics" for name in ("Email", "Sms", "Whatsapp")]
    expected = {"oneOf": [*({"$ref": each} for each in analytics), {"type": "null"}]}
    assert properties(document, "DirectDetails")["analytics"] == expected
    assert "email" in properties(document, "EmailJob")
    assert "phone_number" in properties(document, "SmsJob")
    assert "address" not in properties(document, "WhatsappJob")
    assert properties(document, "SmsJob")["job_id"]["type"] == "string"
    assert list(properties(document, "WorkflowDetails")["channels"]["properties"]) == list(facts.CHANNELS)


def test_what_is_left_out_is_optional(document: Json) -> None:
    """The members that JSON leaves out are exactly those that a schema doesn't require."""
    left_out = {
        name: sorted(schema["properties"].keys() - set(schema["required"]))
        for name, schema in document["components"]["schemas"].items()
        if not name.endswith("Body")
    }
    assert {name: members for name, members in left_out.items() if members} == {
        "Accepted": ["job_id"],
        "Execution": ["total_segments"],
        "FilterReason": ["contacts_truncated"],
        "JobCounts": ["filter_reasons_truncated"],
        "Page": ["total"],
        "Step": ["scheduled_for"],
        "Totals": ["channels_completed", "channels_total", "steps_completed", "steps_total"],
        "Workflow": ["template_group_id"],
        "WorkflowDetails": ["channels"],
    }


@pytest.fixture
def catalog() -> Iterator[Callable[..., Any]]:
    """Asks an application with an empty catalog: GETs a path, or PUTs a body there."""
    with trigger_core.open(":memory:") as library:
        keys = {scope: library.create_key("acme", (scope,)).key for scope in ("catalog", "read")}
        client = TestClient(create_app(library))

        def ask(path: str, body: Any = None, key: str = "catalog", **more: Any) -> Any:
            method = "GET" if body is None else "PUT"
            headers = {"X-API-Key": keys[key], "Content-Type": "application/json"} | more
            data = body if isinstance(body, str | None) else json.dumps(body)
            return client.simulate_request(method, f"/api/v1/{path}", headers=headers, body=data)

        ask.library = library  # type: ignore[attr-defined]
        yield ask


def test_the_catalog_is_as_described(document: Json, catalog: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is put fits its schema, and so do the answers to PUT and GET, good and bad."""
    for path, body in ITEMS.items():
        got = operation_at(document, f"/api/v1/{path}")
        put = operation_at(document, f"/api/v1/{path}", "put")
        check(document, put["requestBody"]["content"]["application/json"]["schema"], body)
        found = [(got, 404, catalog(path)), (put, 201, catalog(path, body)), (put, 200, catalog(path, body))]
        found += [(got, 200, catalog(path)), (got, 400, catalog(f"{path}?colour=red"))]
        found += [(put, 400, catalog(path, {"colour": 1})), (put, 413, catalog(path, " " * (2**20 + 1)))]
        found.append((put, 415, catalog(path, body, **{"Content-Type": "text/plain"})))
        for operation, sent in ((got, None), (put, body)):
            assert operation["security"] == [{"ApiKey": ["catalog"]}]
            found.append((operation, 403, catalog(path, sent, "read")))
            found.append((operation, 401, catalog(path, sent, **{"X-API-Key": "x"})))
        errors = {503: StoreUnavailable(), 500: RuntimeError()}
        errors |= {501: MissingExtra("x", "send")} if path.startswith("contacts") else {}
        for status, error in errors.items():
            with monkeypatch.context() as patched:
                patched.setattr(catalog.library.catalog, "replace", Mock(side_effect=error))
                found.append((put, status, catalog(path, body)))
        for operation, status, answer in found:
            assert answer.status_code == status, answer.text
            assert_described(document, operation, answer)
        told = {status for operation, status, _ in found if operation is put}
        assert put["responses"].keys() == {str(status) for status in told | {405}}


def test_what_was_read_can_be_sent(document: Json, catalog: Any) -> None:
    """The data of a GET fits the schema of the PUT, and changes nothing; a list's page is not the list."""
    for path, body in ITEMS.items():
        catalog(path, body)
        data = catalog(path).json["data"]
        put = operation_at(document, f"/api/v1/{path}", "put")
        if not path.startswith("lists"):
            check(document, put["requestBody"]["content"]["application/json"]["schema"], data)


def test_bodies_are_what_the_catalog_takes(document: Json) -> None:
    """A body needs what neither the path nor a default gives; read-only members are those of the classes."""
    schemas = document["components"]["schemas"]
    bodies = {name: schema for name, schema in schemas.items() if name.endswith("Body")}
    assert {name: schema["required"] for name, schema in bodies.items()} == {
        "ContactBody": [],
        "TemplateBody": ["variants"],
        "TemplateVariantBody": ["approved", "text"],
        "TemplateGroupBody": ["templates"],
        "CatalogWorkflowBody": [],
        "WorkflowStepBody": ["step_id", "step_name", "channel", "template_key"],
        "ContactListBody": ["contacts"],
        "SendBody": ["template_key"],
        "WorkflowRunBody": ["workflow_name"],
        "NothingBody": [],
        "EventBatchBody": ["events"],
        "EventBody": ["event_id", "type", "occurred_at"],
    }
    read_only = {
        name: [key for key, member in schema["properties"].items() if member.get("readOnly")]
        for name, schema in bodies.items()
    }
    assert {name: members for name, members in read_only.items() if members} == {
        "ContactBody": ["email_valid", "phone_number_valid"],
        "TemplateVariantBody": ["id", "variables", "segments"],
        "TemplateGroupBody": ["id"],
        "CatalogWorkflowBody": ["id"],
    }
    assert all(member["description"] for each in bodies.values() for member in each["properties"].values())
    assert set(properties(document, "CatalogWorkflow")) == {"name", "steps", "template_group", "id"}
    assert "execution_id" in properties(document, "Workflow")


def test_every_class_says_what_it_is(document: Json) -> None:
    """Each schema has the description that its class has."""
    for schema in document["components"]["schemas"].values():
        assert schema["description"]
    summary = document["components"]["schemas"]["Summary"]
    assert summary["description"] == inspect.getdoc(answers.Summary)


def test_formats_name_members_that_exist() -> None:
    """No format is given to a member that its class lacks."""
    for cls, named in (*FORMATS.items(), *NARROWED.items()):
        assert named.keys() <= {member.name for member in attrs.fields(cls)}


def test_a_new_endpoint_needs_its_resource_only() -> None:
    """A resource that says what it answers is described with its body, parameters, problems and answer."""

    @attrs.frozen
    class Wish:
        """What is wished for."""

        name: str
        count: int | None = None

    def wish(wish: Wish) -> answers.Summary:
        """Grants a wish.

        Args:
            wish: which.
        """
        raise NotImplementedError

    class Wishes:
        operations = {  # noqa: RUF012
            "POST": Operation(
                id="wish",
                tag="Service",
                asks=wish,
                status=202,
                body=Wish,
                scope="send",
                problems={422: ("wrong-flow",)},
            )
        }

    wish.__annotations__ = {"wish": Wish, "return": answers.Summary}
    document = describe({"/wishes/{wish_id}": Wishes()})
    OpenAPIV31SpecValidator(document).validate()
    operation = document["paths"]["/wishes/{wish_id}"]["post"]
    assert operation["summary"] == "Grants a wish"
    assert operation["security"] == [{"ApiKey": ["send"]}]
    refused = ["413", "415", "422"]
    assert list(operation["responses"]) == ["202", "400", "401", "403", "404", "405", *refused, "500", "503"]
    sent = document["components"]["schemas"]["WishBody"]
    assert sent["required"] == ["name"]
    assert sent["properties"]["count"]["type"] == ["integer", "null"]


def test_the_document_is_made_when_it_is_asked_for() -> None:
    """Importing and creating the application makes no document; asking twice makes one."""
    import subprocess
    import sys

    code = (
        "import sys, trigger_core, trigger_falcon as t\n"
        "t.create_app(trigger_core.open(':memory:'))\n"
        "assert not {'trigger_falcon._openapi', 'trigger_falcon._schemas'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
    with trigger_core.open(":memory:") as library:
        client = TestClient(create_app(library))
        first, again = client.simulate_get("/api/openapi.json"), client.simulate_get("/api/openapi.json")
        assert first.headers["etag"] == again.headers["etag"]
        assert first.content == again.content
