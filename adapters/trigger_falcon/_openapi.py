"""The OpenAPI document, from what the resources say of themselves (``_operations`` tells how to add one)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.metadata import version
from importlib.resources import files
from inspect import signature
from typing import Any, Final, get_type_hints

from attrs import fields, frozen

from trigger_falcon import _problems
from trigger_falcon._operations import TAGS, Described, Operation
from trigger_falcon._parameters import IDEMPOTENCY_KEY, IN_PATHS
from trigger_falcon._schemas import BodySchemas, Schema, Schemas, arguments, prose

ABOUT: Final = """\
Who got this message, who did not, and why.

To send, `POST` to `/api/v1/messages/{email|sms|whatsapp}/send`, or to `/api/v1/workflows/trigger` to run a workflow.
The answer has the trigger's id. With an `Idempotency-Key`, a request whose answer was lost is safe to ask again.

1. Ask for the trigger. Its `flow_type` tells which details it has, `details_endpoint` where they are.
2. Ask for the details, `direct` or `workflow`: executions, counts, reasons and analytics.
3. For single contacts, ask the path in `execution_details_endpoint`.

Every path under `/api/v1` needs an API key in the header `X-API-Key`, and shows what belongs to that key's account.
`HEAD` is answered wherever `GET` is, `OPTIONS` everywhere; they are not described. No name is special: `GET` and `PUT`
of `/api/v1/workflows/trigger` are those of a workflow that is called trigger.

Times are UTC with three decimals. Money is in `currency`. Counts are exact and always add up:
`total = sent + failed + filtered + cancelled + pending`. Later versions may add keys:
ignore those that you don't know.

To poll, send the last `ETag` in `If-None-Match`: a 304 says that nothing changed, and costs next to nothing.

Every error is a problem (RFC 9457) in `application/problem+json`. Its `type` is `about:blank` where the status says
enough, and else leads to its explanation on the [documentation page](/api/docs#problems).
"""
_HEADERS: Final[Mapping[str, tuple[str, Schema]]] = {
    "ETag": ("A weak tag of exactly this answer, for If-None-Match.", {"type": "string"}),
    "Cache-Control": ("Whether the answer may be kept, and by whom.", {"type": "string"}),
    "Allow": ("The methods that this path answers.", {"type": "string"}),
    "Idempotency-Replayed": (
        "There where this is the answer to an earlier request with the same idempotency key.",
        {"type": "string", "enum": ["true"]},
    ),
    "Retry-After": ("Seconds to wait before trying again.", {"type": "integer", "minimum": 0}),
    "WWW-Authenticate": ("The scheme and the header that a key goes in.", {"type": "string"}),
}
_SOMETIMES: Final = {"Idempotency-Replayed"}
"""Headers that not every answer has."""


@frozen
class _Status:
    """What a status of a problem means.

    Attributes:
        component: the name of its response.
        meaning: what it says.
        headers: the headers that it has.
        types: its types of problems.
        is_plain: whether the status alone may say enough.
    """

    component: str
    meaning: str
    headers: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    is_plain: bool = True


_PROBLEMS: Final[Mapping[int, _Status]] = {
    400: _Status("BadRequest", "The request is not well formed.", types=("invalid-request",)),
    401: _Status("Unauthorized", "No API key, or none that is good.", ("WWW-Authenticate",)),
    403: _Status("Forbidden", "The API key lacks the scope that this needs."),
    404: _Status("NotFound", "The account of the key has nothing of that id here."),
    405: _Status("MethodNotAllowed", "This path has no such method.", ("Allow",)),
    409: _Status(
        "Conflict",
        "A request with this idempotency key is being handled.",
        ("Retry-After",),
        ("idempotency-in-flight",),
        is_plain=False,
    ),
    413: _Status("ContentTooLarge", "The body is longer than is taken."),
    415: _Status("UnsupportedMediaType", "The body isn't said to be JSON in UTF-8, or is compressed."),
    422: _Status(
        "UnprocessableContent",
        "The idempotency key came with another request.",
        types=("idempotency-mismatch",),
        is_plain=False,
    ),
    500: _Status("InternalServerError", "The server failed; its log tells where."),
    501: _Status("NotImplemented", "The server was installed without an extra that this needs."),
    503: _Status("ServiceUnavailable", "The store can't answer now.", ("Retry-After",)),
}


def document(resources: Mapping[str, Described]) -> Schema:
    """The document of an application with these resources by path."""
    examples = json.loads(files(__package__).joinpath("_examples.json").read_text(encoding="utf-8"))
    schemas = Schemas()
    writer = _Writer(schemas, examples)
    paths = {
        path: {method.lower(): writer.operation(path, each) for method, each in resource.operations.items()}
        for path, resource in resources.items()
        if resource.operations
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "trigger-core",
            "version": version("trigger-core"),
            "summary": "Exact answers about what was sent, to whom, and what became of it.",
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": meaning} for name, meaning in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas.components | _problem_schemas(),
            "responses": {
                each.component: writer.problem(status, ()) for status, each in sorted(_PROBLEMS.items())
            },
            "headers": {
                name: {"description": meaning, "required": name not in _SOMETIMES, "schema": schema}
                for name, (meaning, schema) in _HEADERS.items()
            },
            "securitySchemes": {
                "ApiKey": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-API-Key",
                    "description": "`sk_live_…` or `sk_test_…`. Each operation names the scope that it needs: "
                    "`read`, `send`, `events` or `catalog`.",
                }
            },
        },
    }


class _Writer:
    def __init__(self, schemas: Schemas, examples: Mapping[str, Any]) -> None:
        self._schemas = schemas
        self._examples = examples

    def operation(self, path: str, operation: Operation) -> Schema:
        summary, _, rest = prose(operation.asks).partition("\n\n")
        scope = operation.scope
        needs = [] if scope is None else [f"Needs the scope `{scope}`."]
        body = {} if operation.body is None else {"requestBody": self._body(path, operation, operation.body)}
        return {
            "operationId": operation.id,
            "tags": [operation.tag],
            "summary": " ".join(summary.split()).rstrip("."),
            "description": "\n\n".join([*([rest] if rest else []), *needs]),
            "security": [] if scope is None else [{"ApiKey": [scope]}],
            "parameters": self._parameters(path, operation),
            **body,
            "responses": self._responses(path, operation),
        }

    def _parameters(self, path: str, operation: Operation) -> list[Schema]:
        found: list[Schema] = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": dict(IN_PATHS.get(name, {"type": "string"})),
            }
            for name in _in_path(path)
        ]
        told, defaults = arguments(operation.asks), signature(operation.asks).parameters
        for name, parameter in (operation.query or {}).items():
            described = {"description": told[name][:1].upper() + told[name][1:]} if name in told else {}
            default = defaults[name].default if name in defaults else None
            preset = {} if default is None else {"default": default}
            found.append({"name": name, "in": "query", **described, "schema": {**parameter.schema, **preset}})
        if operation.idempotent:
            key = {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY.pattern}$"}
            meaning = told["idempotency_key"]
            found.append(
                {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "description": meaning[:1].upper() + meaning[1:],
                    "schema": key,
                }
            )
        if operation.revalidated:
            known = "The ETag of the answer that you have; a 304 says that it still holds."
            found.append(
                {"name": "If-None-Match", "in": "header", "description": known, "schema": {"type": "string"}}
            )
        return found

    def _body(self, path: str, operation: Operation, cls: type[Any]) -> Schema:
        schema = BodySchemas(self._schemas.components, _in_path(path), operation.implied).of(cls)
        examples = self._examples["requests"].get(operation.id)
        return {
            "description": f"At most {operation.most_bytes // 2**20} MiB.",
            "required": bool(fields(cls)),
            "content": {
                "application/json": {
                    "schema": schema,
                    **({"examples": _named(examples)} if examples else {}),
                }
            },
        }

    def _responses(self, path: str, operation: Operation) -> Schema:
        headers = _headers(
            "Cache-Control",
            *operation.headers,
            *(["ETag"] if operation.revalidated else []),
            *(["Idempotency-Replayed"] if operation.idempotent else []),
        )
        meanings = {operation.status: "The answer."}
        if operation.creates:
            meanings = {
                200: "It was stored over the one before.",
                201: "It was stored; there was none before.",
            }
        responses = {
            str(status): {
                "description": meaning,
                "headers": headers,
                "content": {operation.media_type: self._answer(operation)},
            }
            for status, meaning in meanings.items()
        }
        if operation.revalidated:
            responses["304"] = {"description": "What you have still holds.", "headers": headers}
        for status in sorted(_usual(path, operation) | operation.problems.keys()):
            if slugs := operation.problems.get(status):
                responses[str(status)] = self.problem(status, slugs)
            else:
                responses[str(status)] = {"$ref": f"#/components/responses/{_PROBLEMS[status].component}"}
        return responses

    def _answer(self, operation: Operation) -> Schema:
        kind = operation.answer or get_type_hints(operation.asks)["return"]
        schema = kind if isinstance(kind, dict) else self._schemas.of(kind, operation.channel)
        if operation.enveloped:
            schema = {
                "type": "object",
                "properties": {"success": {"type": "boolean", "enum": [True]}, "data": schema},
                "required": ["success", "data"],
            }
        examples = self._examples["answers"].get(operation.id)
        return {"schema": schema, **({"examples": _named(examples)} if examples else {})}

    def problem(self, status: int, slugs: tuple[str, ...]) -> Schema:
        usual = _PROBLEMS.get(status, _Status("", "", is_plain=False))
        slugs = tuple(dict.fromkeys((*usual.types, *slugs)))
        kinds = [*(["Problem"] if usual.is_plain else []), *map(_component, slugs)]
        refs = [{"$ref": f"#/components/schemas/{kind}"} for kind in kinds]
        plain = [usual.component] if usual.is_plain else []
        shown = {name: self._examples["problems"].get(name) for name in (*plain, *slugs)}
        examples = {name: value for name, value in shown.items() if value is not None}
        content: Schema = {"schema": refs[0] if len(refs) == 1 else {"oneOf": refs}}
        return {
            "description": " ".join(
                filter(None, (usual.meaning, *(f"{_problems.TYPES[slug].title}." for slug in slugs)))
            ),
            "headers": _headers("Cache-Control", *usual.headers),
            "content": {_problems.MEDIA_TYPE: content | ({"examples": _named(examples)} if examples else {})},
        }


def _usual(path: str, operation: Operation) -> set[int]:
    """The statuses of the problems that such an operation may have."""
    keyed = {401, 403} if operation.scope is not None else set()
    checked = {400} if operation.query is not None or operation.body is not None else set()
    sent = {413, 415} if operation.body is not None else set()
    repeated = {409, 422} if operation.idempotent else set()
    missing = {404} if _in_path(path) and not operation.creates else set()
    return keyed | checked | sent | repeated | missing | {405, 500, 503}


def _in_path(path: str) -> list[str]:
    """The names of a path's parameters."""
    return re.findall(r"{(\w+)}", path)


def _headers(*names: str) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _named(values: Mapping[str, Any]) -> Schema:
    return {name: {"value": value} for name, value in values.items()}


def _component(slug: str) -> str:
    return "".join(word.title() for word in slug.split("-"))


def _problem_schemas() -> dict[str, Schema]:
    def schema(meaning: str, kind: str, members: Mapping[str, Any]) -> Schema:
        properties: dict[str, Schema] = {
            "type": {"type": "string", "format": "uri-reference", "enum": [kind]},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "What was wrong this time."},
            "instance": {"type": "string", "format": "uri-reference", "description": "The path asked for."},
            **members,
        }
        return {
            "description": meaning,
            "type": "object",
            "properties": properties,
            "required": list(properties),
        }

    plain = schema("An error of which its status says enough (RFC 9457).", "about:blank", {})
    return {"Problem": plain} | {
        _component(slug): schema(each.meaning, _problems.type_uri(slug), each.members)
        for slug, each in _problems.TYPES.items()
    }
