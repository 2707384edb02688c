"""What is served where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import falcon
from falcon.inspect import inspect_compiled_router, register_router
from falcon.routing import CompiledRouter

from trigger_core import Library
from trigger_core.errors import NotFound, StoreError, StoreUnavailable
from trigger_core.library import Question
from trigger_falcon import _caching, _parameters, _problems
from trigger_falcon._access import account
from trigger_falcon._answers import answer
from trigger_falcon._operations import Described, Operation

CHANNELS: Final = {"messages": "email", "sms": "sms", "whatsapp": "whatsapp"}
"""The channels by the word that stands for them in a path."""


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
    """Answers unheard-of methods like those that a resource lacks: with a 405, where Falcon has a 400.

    Attributes:
        resources: what was routed, by path.
    """

    def __init__(self) -> None:
        super().__init__()
        self.resources: dict[str, Described] = {}

    def add_route(self, uri_template: str, resource: Any, **kwargs: Any) -> None:
        """Routes a path to a resource that says what it answers."""
        described: Mapping[str, Operation] = resource.operations
        assert all(hasattr(resource, f"on_{method.lower()}") for method in described)  # noqa: S101
        super().add_route(uri_template, resource, **kwargs)
        self.resources[uri_template] = resource

    def map_http_methods(self, resource: object, **kwargs: Any) -> Any:
        """The resource's responders by method."""
        return _Methods(super().map_http_methods(resource, **kwargs))


class _Methods(dict[str, Any]):
    def __missing__(self, method: str) -> Any:
        return self["CONNECT"]


register_router(Router)(inspect_compiled_router)  # lets Falcon's own tools list the routes


_WRONG_FLOW: Final = {404: ("wrong-flow",)}
_DOCUMENTS: Final[Mapping[Question, Operation]] = {
    "trigger": Operation(id="getTrigger", tag="Triggers", asks=Library.trigger, revalidated=True),
    "direct": Operation(
        id="getDirectDetails",
        tag="Triggers",
        asks=Library.direct,
        revalidated=True,
        problems=_WRONG_FLOW,
    ),
    "workflow": Operation(
        id="getWorkflowDetails",
        tag="Triggers",
        asks=Library.workflow,
        revalidated=True,
        problems=_WRONG_FLOW,
    ),
}


class TriggerDocument:
    """One of the three documents of a trigger."""

    def __init__(self, library: Library, question: Question) -> None:
        self._library = library
        self._question = question
        self.operations = {"GET": _DOCUMENTS[question]}

    def on_get(self, req: falcon.Request, resp: falcon.Response, trigger_id: str) -> None:
        """The document, or a 304 for those who have it."""
        owner = account(self._library, req, "read")
        if req.query_string:
            _parameters.read(req, _parameters.NONE)
        document = self._library.document(owner, trigger_id, self._question)
        _caching.answer(req, resp, document.etag, document.body, "private, no-cache")

    on_head = on_get


class Triggers:
    """The triggers of an account."""

    operations: Mapping[str, Operation] = {
        "GET": Operation(
            id="listTriggers",
            tag="Triggers",
            asks=Library.triggers,
            enveloped=True,
            query=_parameters.TRIGGERS,
        )
    }

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
        self.operations = {
            "GET": Operation(
                id=f"list{channel.title()}Jobs",
                tag="Executions",
                asks=Library.jobs,
                enveloped=True,
                channel=channel,
                query=_parameters.JOBS,
            )
        }

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
        self.operations = {
            "GET": Operation(
                id=f"get{channel.title()}Job",
                tag="Executions",
                asks=Library.job,
                enveloped=True,
                channel=channel,
            )
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response, execution_id: str, job_id: str) -> None:
        """The job."""
        owner = account(self._library, req, "read")
        _parameters.read(req, _parameters.NONE)
        if not _parameters.JOB_ID.fullmatch(job_id) or int(job_id) >= 2**31:
            raise NotFound
        answer(resp, self._library.job(owner, execution_id, int(job_id), channel=self._channel))

    on_head = on_get


class Health:
    """Whether the store answers; without a key, and whatever the query."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.operations = {
            "GET": Operation(
                id="getHealth",
                tag="Service",
                asks=self.on_get,
                answer={
                    "type": "object",
                    "properties": {"status": {"type": "string", "enum": ["ok"]}},
                    "required": ["status"],
                },
                query=None,
                scope=None,
            )
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Whether the store answers."""
        try:
            self._library.health()
        except (StoreUnavailable, StoreError) as error:
            _problems.log(req, error)
            raise _problems.unavailable(error) from None
        resp.data = b'{"status":"ok"}'
        resp.set_header("Cache-Control", "no-store")

    on_head = on_get
