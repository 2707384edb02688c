"""Puts the application together."""

from __future__ import annotations

import falcon

from trigger_core import Library
from trigger_falcon import _catalog, _docs, _problems, _routes, _sending


def create_app(library: Library) -> falcon.App[falcon.Request, falcon.Response]:
    """The WSGI application that answers from ``library``, for any WSGI server.

    Everything under ``/api/v1`` needs a key in the header ``X-API-Key`` and answers for that key's account only.
    With the scope ``read``, by GET and HEAD:

    - ``triggers``: a page of triggers, newest first
    - ``triggers/{id}``, ``triggers/{id}/direct``, ``triggers/{id}/workflow``: a trigger's documents, each
      with a weak ``ETag``; an ``If-None-Match`` that names it is answered by a 304
    - ``messages|sms|whatsapp/executions/{id}/jobs``: a page of jobs, by job_id; ``…/jobs/{job_id}``: one job

    With the scope ``send``, by POST of a JSON object:

    - ``messages/email|sms|whatsapp/send``, ``workflows/trigger``: a 202 with the ``trigger_id`` of what is now
      recorded and sent later; members as in ``trigger_core.sending``. An ``Idempotency-Key`` makes it safe to ask again
    - ``triggers/{id}/cancel``: the trigger's document once it is cancelled; needs no body

    With the scope ``events``, by POST: ``events``, up to 10,000 delivery events, as ``{"events": [...]}``

    With the scope ``catalog``, by PUT, which creates or replaces what its JSON object describes, GET and HEAD:

    - ``contacts/{external_id}``, ``templates/{key}/{channel}``, ``template-groups/{key}``, ``workflows/{name}``:
      one item each, with members as in ``trigger_core.catalog``
    - ``lists/{name}``: put as ``{"contacts": [external ids]}``, read as a page of them

    ``/api/openapi.json`` describes all of this, ``/api/docs`` shows it; neither needs a key or any network.

    ``/healthz`` needs no key, asks the store and answers ``{"status": "ok"}`` or a 503.

    Every error is an RFC 9457 problem (``application/problem+json``). What nobody foresaw is a 500 that says
    nothing of its cause. The logger ``trigger_falcon`` has the exceptions' classes and where they came from,
    but not their texts, which may hold addresses or secrets.

    Neither this nor the application raises anything: what the library raises becomes an answer.

    Args:
        library: an open library. The application never closes it.

    >>> import trigger_core
    >>> from falcon.testing import TestClient
    >>> with trigger_core.open(":memory:") as library:
    ...     client = TestClient(create_app(library))
    ...     key = library.create_key("acme", ["read"]).key
    ...     client.get("/api/v1/triggers", headers={"X-API-Key": key}).json
    {'success': True, 'data': {'triggers': [], 'pagination': {'limit': 50, 'next_cursor': None}}}
    """
    router = _routes.Router()
    app = falcon.App(middleware=[_NoSniff()], router=router)
    _problems.install(app)
    _routes.add_routes(app, library)
    _sending.add_routes(app, library)
    _catalog.add_routes(app, library)
    _docs.add_routes(app, router.resources)
    return app


class _NoSniff:
    """Forbids browsers to take an answer for something else than it says."""

    def process_response(self, req: falcon.Request, resp: falcon.Response, *_: object) -> None:
        resp.set_header("X-Content-Type-Options", "nosniff")
