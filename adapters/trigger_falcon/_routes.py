"""What is served where."""

from __future__ import annotations

import re
from typing import Any, Final

import falcon
from falcon.inspect import inspect_compiled_router, register_router
from falcon.routing import CompiledRouter

from trigger_core import Library
from trigger_core.errors import NotFound, StoreError, StoreUnavailable
from trigger_core.library import Question
from trigger_falcon import _parameters, _problems
from trigger_falcon._access import account
from trigger_falcon._answers import answer

CHANNELS: Final = {"messages": "email", "sms": "sms", "whatsapp": "whatsapp"}
"""The channels by the word that stands for them in a path."""

_JOB_ID: Final = re.compile("[1-9][0-9]{0,9}")
_OPAQUE_TAG: Final = re.compile('"[^"]*"')


def add_routes(app: falcon.App[falcon.Request, falcon.Response], library: Library) -> None:
    """Adds every route to ``app``."""
    api = "/api/v1"
    app.add_route("/healthz", Health(library))
    app.add_route(f"{api}/triggers", Triggers(library))
    for word, channel in CHANNELS.items():
        app.add_route(f"{api}/{word}/executions/{{execution_id}}/jobs", Jobs(library, channel))
        app.add_route(f"{api}/{word}/executions/{{execution_id}}/jobs/{{job_id}}", Job(library, channel))
    trigger = f"{api}/triggers/{{trigger_id}}"
    app.add_route(trigger, TriggerDocument(library, "trigger"))
    app.add_route(f"{trigger}/direct", TriggerDocument(library, "direct"))
    app.add_route(f"{trigger}/workflow", TriggerDocument(library, "workflow"), compile=True)


class Router(CompiledRouter):
    """Answers unheard-of methods like those that a resource lacks: with a 405, where Falcon has a 400."""

    def map_http_methods(self, resource: object, **kwargs: Any) -> Any:
        """The resource's responders by method."""
        return _Methods(super().map_http_methods(resource, **kwargs))


class _Methods(dict[str, Any]):
    def __missing__(self, method: str) -> Any:
        return self["CONNECT"]


register_router(Router)(inspect_compiled_router)  # lets Falcon's own tools list the routes


class TriggerDocument:
    """One of the three documents of a trigger."""

    def __init__(self, library: Library, question: Question) -> None:
        self._library = library
        self._question = question

    def on_get(self, req: falcon.Request, resp: falcon.Response, trigger_id: str) -> None:
        """The document, or a 304 for those who have it."""
        owner = account(self._library, req, "read")
        if req.query_string:
            _parameters.read(req, _parameters.NONE)
        document = self._library.document(owner, trigger_id, self._question)
        etag = document.etag
        resp.set_header("ETag", etag)
        resp.set_header("Cache-Control", "private, no-cache")
        known = req.env.get("HTTP_IF_NONE_MATCH")
        if known is not None and (known == etag or _names(known, etag)):
            resp.status = falcon.HTTP_304
        else:
            resp.data = document.body

    on_head = on_get


class Triggers:
    """The triggers of an account."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of them."""
        owner = account(self._library, req, "read")
        values = _parameters.read(req, _parameters.TRIGGERS)
        answer(resp, self._library.triggers(owner, **values))

    on_head = on_get


class Jobs:
    """The jobs of an execution."""

    def __init__(self, library: Library, channel: str) -> None:
        self._library = library
        self._channel = channel

    def on_get(self, req: falcon.Request, resp: falcon.Response, execution_id: str) -> None:
        """A page of them."""
        owner = account(self._library, req, "read")
        values = _parameters.read(req, _parameters.JOBS)
        answer(resp, self._library.jobs(owner, execution_id, channel=self._channel, **values))

    on_head = on_get


class Job:
    """One job of an execution."""

    def __init__(self, library: Library, channel: str) -> None:
        self._library = library
        self._channel = channel

    def on_get(self, req: falcon.Request, resp: falcon.Response, execution_id: str, job_id: str) -> None:
        """The job."""
        owner = account(self._library, req, "read")
        _parameters.read(req, _parameters.NONE)
        if not _JOB_ID.fullmatch(job_id):
            raise NotFound
        answer(resp, self._library.job(owner, execution_id, int(job_id), channel=self._channel))

    on_head = on_get


class Health:
    """Whether the store answers; without a key, and whatever the query."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Asks the store."""
        try:
            self._library.health()
        except (StoreUnavailable, StoreError) as error:
            _problems.log(req, error)
            raise _problems.unavailable() from None
        resp.data = b'{"status":"ok"}'
        resp.set_header("Cache-Control", "no-store")

    on_head = on_get


def _names(header: str, etag: str) -> bool:
    """Whether an If-None-Match names ``etag``, compared weakly (RFC 9110, 8.8.3.2 and 13.1.2)."""
    return header.strip(" \t") == "*" or etag.removeprefix("W/") in _OPAQUE_TAG.findall(header)
