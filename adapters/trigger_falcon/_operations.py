"""What an endpoint says of itself; the OpenAPI document is made of this and of the types it names.

An endpoint is added in one place, its resource: give that an attribute ``operations`` with an ``Operation`` for each
method it answers, and add its route. The router refuses a resource without it, and the document, its page and the
tests that compare documents with answers follow. The rest is read from what does the work:

- summary, description and those of the parameters from the docstring of the library's method (``asks``)
- the answer's schema from that method's return type, the body's from an attrs class
- query parameters from the table that checks them
- problem types from ``_problems.TYPES``

An example is written by ``python -m tests.http.examples`` once its request is listed there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Protocol

from attrs import frozen

from trigger_falcon._bodies import MOST_BYTES
from trigger_falcon._parameters import NONE, Parameter

Tag = Literal["Sending", "Triggers", "Executions", "Events", "Catalog", "Service"]
TAGS: Final[Mapping[Tag, str]] = {
    "Sending": "Ask for messages to be sent, now or later, and cancel what wasn't. What is asked for is recorded "
    "before it is answered, and sent after that: the answer's `trigger_id` leads to all that becomes of it.",
    "Triggers": "Tier 1: what was asked for and how far it is. Ask for a trigger first; its `flow_type` and "
    "`details_endpoint` tell where its details are.",
    "Executions": "Tier 2: what became of every contact, in pages. The details of a trigger have the path in "
    "`execution_details_endpoint`.",
    "Events": "What providers say later: delivered, opened, bounced and the like.",
    "Catalog": "What can be sent, and to whom. `PUT` stores an item over the one of its name. A template or group that "
    "it names must be there.",
    "Service": "The server itself. These need no key.",
}


@frozen(kw_only=True)
class Operation:
    """One method of an endpoint.

    Attributes:
        id: its operationId.
        tag: the group that it is shown in.
        asks: what answers it: a method of the library, or the responder itself.
        answer: the type of the answer, or its JSON Schema; the return type of ``asks`` unless told.
        status: the status of the answer.
        creates: it stores what the path names, rather than asking for it: a 201 where there was nothing before, and
            never a 404.
        media_type: the answer's media type.
        enveloped: the answer is the ``data`` of an object that says ``success``.
        channel: the only channel of the jobs in the answer.
        headers: further headers that the answer has.
        idempotent: an Idempotency-Key makes it safe to ask again.
        revalidated: the answer has an ETag, and If-None-Match may turn it into a 304.
        body: the attrs class of the request's body, which may be left out where that has no members.
        implied: the members of ``body`` that it must not have, since the path says them.
        most_bytes: how long the body may be.
        query: the query parameters; None where any query is ignored.
        scope: the scope that a key needs; None where no key is asked for.
        problems: by status, the types of problems beside those that every such operation has.
    """

    id: str
    tag: Tag
    asks: Callable[..., Any]
    answer: Any = None
    status: int = 200
    creates: bool = False
    media_type: str = "application/json"
    enveloped: bool = False
    channel: str | None = None
    headers: tuple[str, ...] = ()
    idempotent: bool = False
    revalidated: bool = False
    body: type[Any] | None = None
    implied: tuple[str, ...] = ()
    most_bytes: int = MOST_BYTES
    query: Mapping[str, Parameter] | None = NONE
    scope: str | None = "read"
    problems: Mapping[int, tuple[str, ...]] = {}


class Described(Protocol):
    """A resource that says what it answers."""

    @property
    def operations(self) -> Mapping[str, Operation]:
        """One operation for each method; HEAD and OPTIONS, which every resource has, are left out."""
