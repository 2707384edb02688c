"""What makes messages go out, stops them, and tells what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import falcon
from attrs import field, frozen

from trigger_core import Library
from trigger_core.answers import Trigger
from trigger_core.catalog import Workflow, from_json
from trigger_core.errors import FactsRefused, InvalidValue
from trigger_core.facts import CHANNELS, EVENT_TYPES, checked, checking
from trigger_core.sending import EventCounts, Receipt, Send, WorkflowRun
from trigger_falcon import _bodies, _parameters
from trigger_falcon._access import account
from trigger_falcon._answers import answer, write
from trigger_falcon._catalog import Resource
from trigger_falcon._operations import Operation
from trigger_falcon._problems import invalid_request

MOST_EVENTS: Final = 10_000


def add_routes(app: falcon.App[falcon.Request, falcon.Response], library: Library) -> None:
    """Adds to ``app`` the routes that send, cancel and take events."""
    api = "/api/v1"
    for channel in CHANNELS:
        app.add_route(f"{api}/messages/{channel}/send", Sends(library, channel))
    app.add_route(f"{api}/workflows/trigger", Runs(library))
    app.add_route(f"{api}/triggers/{{trigger_id}}/cancel", Cancels(library))
    app.add_route(f"{api}/events", Events(library), compile=True)


@frozen(kw_only=True)
class Accepted:
    """What was made of a request: a trigger, whose state can be asked for from now on.

    Attributes:
        success: always true; what is refused is a problem.
        trigger_id: asks for all that becomes of the request.
        job_id: the job of a send to one contact; only there.
    """

    success: bool = field(metadata={"schema": {"type": "boolean", "enum": [True]}})
    trigger_id: str = field(metadata={"schema": {"type": "string", "format": "uuid"}})
    job_id: str | None = field(default=None, metadata={"schema": _parameters.IN_PATHS["job_id"]})


def _accept(resp: falcon.Response, receipt: Receipt) -> None:
    """Answers with a 202: what is asked for is recorded, and done later."""
    made: dict[str, object] = {"success": True, "trigger_id": receipt.trigger_id}
    if receipt.job_id is not None:
        made["job_id"] = str(receipt.job_id)
    write(resp, made)
    resp.status = falcon.HTTP_202
    if receipt.is_replay:
        resp.set_header("Idempotency-Replayed", "true")


class Sends:
    """Direct sends on a channel, which is the path's and not the body's to say."""

    def __init__(self, library: Library, channel: str) -> None:
        self._library = library
        self._channel = channel
        self.operations = {
            "POST": Operation(
                id=f"send{channel.title()}",
                tag="Sending",
                asks=Library.send,
                answer=Accepted,
                status=202,
                body=Send,
                implied=("channel",),
                most_bytes=_bodies.MOST_BYTES_OF_MANY,
                idempotent=True,
                scope="send",
            )
        }

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Sends a template."""
        owner = account(self._library, req, "send")
        _parameters.read(req, _parameters.NONE)
        key = _parameters.idempotency_key(req)
        values = _bodies.read(req, _bodies.MOST_BYTES_OF_MANY)
        request = from_json(values, Send, implied={"channel": self._channel})
        _accept(resp, self._library.send(owner, request, idempotency_key=key))


class Runs:
    """Runs of workflows.

    No name is special: GET and PUT at this path are those of a workflow that is called ``trigger``.
    """

    operations: Mapping[str, Operation] = {
        "POST": Operation(
            id="triggerWorkflow",
            tag="Sending",
            asks=Library.run,
            answer=Accepted,
            status=202,
            body=WorkflowRun,
            most_bytes=_bodies.MOST_BYTES_OF_MANY,
            idempotent=True,
            scope="send",
        )
    }

    def __init__(self, library: Library) -> None:
        self._library = library
        self._workflows = Resource(library, Workflow, "workflow")

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Runs a workflow."""
        owner = account(self._library, req, "send")
        _parameters.read(req, _parameters.NONE)
        key = _parameters.idempotency_key(req)
        request = from_json(_bodies.read(req, _bodies.MOST_BYTES_OF_MANY), WorkflowRun)
        _accept(resp, self._library.run(owner, request, idempotency_key=key))

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The workflow called trigger."""
        self._workflows.on_get(req, resp, name="trigger")

    on_head = on_get

    def on_put(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Stores the workflow called trigger."""
        self._workflows.on_put(req, resp, name="trigger")


@frozen
class Nothing:
    """Nothing: an object without members, or no body at all."""


class Cancels:
    """Cancels of triggers."""

    operations: Mapping[str, Operation] = {
        "POST": Operation(
            id="cancelTrigger",
            tag="Sending",
            asks=Library.cancel,
            answer=Trigger,
            headers=("ETag",),
            body=Nothing,
            scope="send",
        )
    }

    def __init__(self, library: Library) -> None:
        self._library = library

    def on_post(self, req: falcon.Request, resp: falcon.Response, trigger_id: str) -> None:
        """Cancels a trigger, and answers with its document, as GET does."""
        owner = account(self._library, req, "send")
        _parameters.read(req, _parameters.NONE)
        if req.content_length:
            from_json(_bodies.read(req), Nothing)
        self._library.cancel(owner, trigger_id)
        document = self._library.document(owner, trigger_id, "trigger")
        resp.data = document.body
        resp.set_header("ETag", document.etag)
        resp.set_header("Cache-Control", "private, no-cache")


@frozen(kw_only=True)
class Event:
    """What a provider says later of a message.

    Attributes:
        event_id: its name, by which one that comes again is known.
        type: what happened.
        occurred_at: when it did.
        execution_id: with job_id, the job that it is about.
        job_id: the job's, as answers have it; a number is taken as well.
        provider: with provider_message_id, the message that it is about.
        provider_message_id: what the provider called the message when it took it.
    """

    event_id: str
    type: str = field(metadata={"schema": {"type": "string", "enum": list(EVENT_TYPES)}})
    occurred_at: datetime
    execution_id: str | None = field(
        default=None, metadata={"schema": {"type": ["string", "null"], "format": "uuid"}}
    )
    job_id: str | int | None = field(
        default=None,
        metadata={
            "schema": {**_parameters.IN_PATHS["job_id"], "type": ["string", "integer", "null"], "minimum": 1}
        },
    )
    provider: str | None = None
    provider_message_id: str | None = None


def _objects(value: object, name: str) -> tuple[Mapping[str, object], ...]:
    """The events as the library takes them, which checks what is in them."""
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_EVENTS:
        raise InvalidValue(name, f"must be a list of 1 to {MOST_EVENTS:,} events")
    wrong = [
        InvalidValue(f"{name}[{row}]", "must be an object")
        for row, each in enumerate(value)
        if not isinstance(each, dict)
    ]
    if wrong:
        raise InvalidValue.of(wrong)
    return tuple(value)


@frozen(kw_only=True, field_transformer=checking)
class EventBatch:
    """Delivery events, of which all are recorded or none.

    Attributes:
        events: 1 to 10,000 of them, in any order.
    """

    events: tuple[Event, ...] = field(
        metadata=checked(_objects) | {"schema": {"minItems": 1, "maxItems": MOST_EVENTS}}
    )


class Events:
    """Delivery events of an account."""

    operations: Mapping[str, Operation] = {
        "POST": Operation(
            id="recordEvents",
            tag="Events",
            asks=Library.record_events,
            answer=EventCounts,
            enveloped=True,
            body=EventBatch,
            most_bytes=_bodies.MOST_BYTES_OF_MANY,
            scope="events",
        )
    }

    def __init__(self, library: Library) -> None:
        self._library = library

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Records a batch; a 200 and no 202, since all is done by then and the counts are final."""
        owner = account(self._library, req, "events")
        _parameters.read(req, _parameters.NONE)
        batch: Any = from_json(_bodies.read(req, _bodies.MOST_BYTES_OF_MANY), EventBatch)
        try:
            counts = self._library.record_events(owner, batch.events)
        except FactsRefused as refused:
            raise invalid_request(
                [InvalidValue(_member(each.row, each.field), each.problem) for each in refused.errors]
            ) from None
        answer(resp, counts)


def _member(row: int, name: str) -> str:
    return f"events[{row}].{name}" if name else f"events[{row}]"
