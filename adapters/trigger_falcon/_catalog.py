"""The catalog: contacts, templates, template groups, workflows and lists."""

from __future__ import annotations

from typing import Any, Final

import falcon

from trigger_core import Library
from trigger_core._catalog import Catalog
from trigger_core.catalog import Contact, ContactList, ListPage, Template, TemplateGroup, Workflow, from_json
from trigger_core.errors import InvalidValue, NotFound
from trigger_core.facts import CHANNELS
from trigger_falcon import _bodies, _parameters
from trigger_falcon._access import account
from trigger_falcon._answers import answer
from trigger_falcon._operations import Operation

_UNDECODED: Final = "\ufffd"
"""What stands in a path for bytes that aren't UTF-8."""


def add_routes(app: falcon.App[falcon.Request, falcon.Response], library: Library) -> None:
    """Adds the catalog's routes to ``app``."""
    api = "/api/v1"
    app.add_route(f"{api}/contacts/{{external_id}}", Resource(library, Contact, "contact"))
    app.add_route(f"{api}/templates/{{key}}/{{channel}}", Resource(library, Template, "template"))
    app.add_route(f"{api}/template-groups/{{key}}", Resource(library, TemplateGroup, "template_group"))
    app.add_route(f"{api}/workflows/{{name}}", Resource(library, Workflow, "workflow"))
    app.add_route(f"{api}/lists/{{name}}", Lists(library, ContactList, "list", ListPage))


class Resource:
    """Items of a kind, each under its name.

    Args:
        library: where they are.
        kind: the class of the items.
        reader: the method of ``library.catalog`` that reads one.
        shown: the class of what it reads; that of the items unless told.
    """

    parameters = _parameters.NONE

    def __init__(self, library: Library, kind: Any, reader: str, shown: Any = None) -> None:
        self._library = library
        self._kind = kind
        self._reader = reader
        name = reader.title().replace("_", "")
        self.operations = {
            "GET": Operation(
                id=f"get{name}",
                tag="Catalog",
                asks=getattr(Catalog, reader),
                answer=shown or kind,
                enveloped=True,
                query=self.parameters,
                scope="catalog",
            ),
            "PUT": Operation(
                id=f"put{name}",
                tag="Catalog",
                asks=Catalog.put,
                answer=shown or kind,
                creates=True,
                enveloped=True,
                body=kind,
                scope="catalog",
                problems={501: ()} if kind is Contact else {},
            ),
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response, **names: str) -> None:
        """The item."""
        owner = account(self._library, req, "catalog")
        values = _parameters.read(req, self.parameters)
        if names.get("channel", CHANNELS[0]) not in CHANNELS:
            raise NotFound
        answer(resp, getattr(self._library.catalog, self._reader)(owner, *names.values(), **values))

    on_head = on_get

    def on_put(self, req: falcon.Request, resp: falcon.Response, **names: str) -> None:
        """Stores the item over the one of its name; a 201 where there was none."""
        owner = account(self._library, req, "catalog")
        _parameters.read(req, _parameters.NONE)
        values = _bodies.read(req)
        for name, value in names.items():
            if _UNDECODED in value:
                raise InvalidValue(name, "must be percent-encoded UTF-8 in the path")
            if values.setdefault(name, value) != value:
                raise InvalidValue(name, "must be that of the path, where it is given at all")
        self._put(resp, owner, from_json(values, self._kind))

    def _put(self, resp: falcon.Response, owner: str, item: Any) -> None:
        stored, is_new = self._library.catalog.replace(owner, item)
        answer(resp, stored)
        resp.status = falcon.HTTP_201 if is_new else falcon.HTTP_200


class Lists(Resource):
    """Lists, which are read by pages; a PUT answers with the first."""

    parameters = _parameters.PAGES

    def _put(self, resp: falcon.Response, owner: str, item: Any) -> None:
        super()._put(resp, owner, item)
        answer(resp, self._library.catalog.list(owner, item.name))
