"""Every error as an RFC 9457 problem."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import falcon
from attrs import frozen

from trigger_core._causes import causes
from trigger_core.errors import (
    IdempotencyInFlight,
    IdempotencyMismatch,
    InvalidValue,
    MissingExtra,
    NotFound,
    StoreClosed,
    StoreForked,
    StoreInDoubt,
    StoreUnavailable,
    WrongFlow,
)

_log: Final = logging.getLogger("trigger_falcon")

MEDIA_TYPE: Final = "application/problem+json"
HEADERS: Final = {
    "Content-Type": MEDIA_TYPE,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_PATH_SAFE: Final = "/:@!$&'()*+,;=~"


@frozen
class Type:
    """A type of problems.

    Attributes:
        title: its name.
        meaning: what it says to the caller, and what to do about it.
        members: what it adds to a problem, as JSON Schema by name.
    """

    title: str
    meaning: str
    members: Mapping[str, Any]


TYPES: Final[Mapping[str, Type]] = {
    "invalid-request": Type(
        "Invalid request",
        "Something in the request is unknown, repeated or out of bounds. `errors` names each such field once, with "
        "what would be right. Correct them: the same request will be refused again.",
        {
            "errors": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
                    "required": ["field", "detail"],
                },
            }
        },
    ),
    "wrong-flow": Type(
        "Wrong flow",
        "A direct send was asked for its workflow, or a workflow for its direct details. Ask the path in "
        "`details_endpoint`, which stands below `/api/v1`, instead.",
        {"details_endpoint": {"type": "string", "format": "uri-reference"}},
    ),
    "idempotency-in-flight": Type(
        "Idempotency key in flight",
        "Another request with this `Idempotency-Key` is being handled. Ask again after `Retry-After` seconds, with the "
        "same key and the same body, to get its answer.",
        {},
    ),
    "idempotency-mismatch": Type(
        "Idempotency key used before",
        "This `Idempotency-Key` came with another request within the last 24 hours. Give every new request a key of "
        "its own, and keep the key of one that is asked again.",
        {},
    ),
}
"""By the fragment of the documentation page that explains it."""


def type_uri(slug: str) -> str:
    """The ``type`` of such problems."""
    return f"/api/docs#{slug}"


class Problem(falcon.HTTPError):
    """A problem of one of ``TYPES``, with the members that this type adds."""

    def __init__(
        self, status: int, slug: str, detail: str, members: Mapping[str, Any], **headers: str
    ) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        super().__init__(status, title=TYPES[slug].title, description=detail, headers=named or None)
        self.type = type_uri(slug)
        self.members = members


def invalid_request(errors: Sequence[InvalidValue]) -> Problem:
    """The 400 that names each bad field once."""
    named = [{"field": error.field, "detail": error.problem} for error in errors]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    detail = f"{errors[0].field} {errors[0].problem}{more}."
    return Problem(400, "invalid-request", detail, {"errors": named})


def unavailable(error: Exception) -> falcon.HTTPError:
    """The 503 of a store that can't answer now."""
    detail = "The store can't answer now. The same request may succeed later."
    if isinstance(error, StoreInDoubt):
        detail = (
            "The store was lost amid this request, which may have been recorded. Ask again later; to send or to run "
            "something only with the same Idempotency-Key, as it may go out twice without one."
        )
    return falcon.HTTPServiceUnavailable(description=detail, retry_after=5)


def log(req: falcon.Request, error: BaseException, level: int = logging.ERROR) -> None:
    """Logs where an error came from: texts and paths may hold addresses or secrets, so neither is logged."""
    told = causes(error, places=level >= logging.ERROR)
    _log.log(level, "%s %s: %s", req.method, req.uri_template or "no route", told)


def install(app: falcon.App[falcon.Request, falcon.Response]) -> None:
    """Makes ``app`` answer every error with a problem."""
    app.set_error_serializer(_write)
    app.add_error_handler(Exception, _unforeseen)
    app.add_error_handler((StoreUnavailable, StoreClosed, StoreForked), _unavailable)
    app.add_error_handler(InvalidValue, _invalid)
    app.add_error_handler(MissingExtra, _missing_extra)
    app.add_error_handler(NotFound, _not_found)
    app.add_error_handler(WrongFlow, _wrong_flow)
    app.add_error_handler(IdempotencyInFlight, _in_flight)
    app.add_error_handler(IdempotencyMismatch, _mismatch)


def plain(status: int, path: str, detail: str | None = None) -> dict[str, Any]:
    """A problem of which the status says enough, at a path without its query."""
    known = HTTPStatus(status)
    return {
        "type": "about:blank",
        "title": known.phrase,
        "status": known.value,
        "detail": detail or known.description or known.phrase,
        # with one slash, since two would begin a host's name
        "instance": "/" + quote(path.lstrip("/"), safe=_PATH_SAFE),
    }


def _write(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError) -> None:
    # the path without the query, which may hold addresses
    problem = plain(error.status_code, f"{req.root_path}{req.path}", error.description or _detail(error))
    if isinstance(error, Problem):
        problem |= {"type": error.type, "title": error.title, **error.members}
    resp.data = json.dumps(problem).encode()
    resp.set_headers(HEADERS)


def _detail(error: falcon.HTTPError) -> str | None:
    if isinstance(error, falcon.HTTPRouteNotFound):
        return "Nothing is served at this path."
    if isinstance(error, falcon.HTTPMethodNotAllowed):
        return f"This path answers {dict(error.headers or ())['Allow']} only."
    return None


def _unforeseen(req: falcon.Request, resp: falcon.Response, error: Exception, params: object) -> None:
    log(req, error)
    raise falcon.HTTPInternalServerError(description="The server failed to answer this request.")


def _unavailable(req: falcon.Request, resp: falcon.Response, error: Exception, params: object) -> None:
    log(req, error, logging.WARNING)
    raise unavailable(error)


def _invalid(req: falcon.Request, resp: falcon.Response, error: InvalidValue, params: object) -> None:
    raise invalid_request(error.all)


def _missing_extra(req: falcon.Request, resp: falcon.Response, error: MissingExtra, params: object) -> None:
    log(req, error)
    raise falcon.HTTPNotImplemented(
        description=f"This server was installed without the extra {error.extra}, which this needs."
    )


def _not_found(req: falcon.Request, resp: falcon.Response, error: NotFound, params: object) -> None:
    raise falcon.HTTPNotFound(description="This account has nothing of that id at this path.")


def _wrong_flow(req: falcon.Request, resp: falcon.Response, error: WrongFlow, params: object) -> None:
    endpoint = error.details_endpoint
    raise Problem(
        404,
        "wrong-flow",
        f"This trigger is of the other flow: its details are at /api/v1{endpoint}.",
        {"details_endpoint": endpoint},
    )


def _in_flight(req: falcon.Request, resp: falcon.Response, error: Exception, params: object) -> None:
    raise Problem(
        409,
        "idempotency-in-flight",
        "A request with this Idempotency-Key is being handled.",
        {},
        retry_after="1",
    )


def _mismatch(req: falcon.Request, resp: falcon.Response, error: Exception, params: object) -> None:
    raise Problem(422, "idempotency-mismatch", "This Idempotency-Key was used for another request.", {})
