"""The interface described by itself: the OpenAPI document, and the page that shows it without any network.

The page is Swagger UI 5.35.0: the files ``docs/swagger-ui*`` are unchanged copies out of the npm package
``swagger-ui-dist``, and are brought up to date by copying them again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

import falcon

from trigger_falcon import _caching, _problems
from trigger_falcon._operations import Described, Operation

MEDIA_TYPES: Final[Mapping[str, str]] = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a browser may load for the page: nothing from elsewhere. Swagger UI styles its elements one by one."""


def add_routes(app: falcon.App[falcon.Request, falcon.Response], resources: Mapping[str, Described]) -> None:
    """Adds the document of these resources, and its page, to ``app``."""
    app.add_route("/api/openapi.json", Document(resources))
    app.add_route("/api/docs", Page())
    app.add_route("/api/docs/{name}", Asset(), compile=True)


class _Kept:
    """Something that stays the same while the server runs, made when it is first asked for."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[str, bytes]] = {}

    def _answer(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        name: str = "",
        media_type: str = falcon.MEDIA_JSON,
    ) -> None:
        if (made := self._made.get(name)) is None:
            body = self._make(name)
            made = self._made[name] = (f'W/"{blake2b(body, digest_size=12).hexdigest()}"', body)
        _caching.answer(req, resp, *made, "no-cache", media_type)

    def _make(self, name: str) -> bytes:
        raise NotImplementedError


class Document(_Kept):
    """The OpenAPI document."""

    def __init__(self, resources: Mapping[str, Described]) -> None:
        super().__init__()
        self._resources = resources
        self.operations = {
            "GET": Operation(
                id="getOpenapi",
                tag="Service",
                asks=self.on_get,
                answer={"type": "object"},
                query=None,
                scope=None,
                revalidated=True,
            )
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """This document."""
        self._answer(req, resp)

    on_head = on_get

    def _make(self, name: str) -> bytes:
        from trigger_falcon._openapi import document

        return json.dumps(document(self._resources), ensure_ascii=False, separators=(",", ":")).encode()


class Page(_Kept):
    """The page that shows the document."""

    def __init__(self) -> None:
        super().__init__()
        self.operations = {
            "GET": Operation(
                id="getDocs",
                tag="Service",
                asks=self.on_get,
                answer={"type": "string"},
                media_type="text/html",
                query=None,
                scope=None,
                revalidated=True,
            )
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """This document as a page to read, and to try requests from."""
        resp.set_header("Content-Security-Policy", POLICY)
        resp.set_header("Referrer-Policy", "no-referrer")
        self._answer(req, resp, media_type=falcon.MEDIA_HTML)

    on_head = on_get

    def _make(self, name: str) -> bytes:
        page = Template(files(__package__).joinpath("docs/index.html").read_text(encoding="utf-8"))
        explained = "".join(
            f'<section id="{slug}"><h3>{escape(each.title)}</h3><p><code>{_problems.type_uri(slug)}</code></p>'
            f"<p>{_html(each.meaning)}</p></section>\n"
            for slug, each in _problems.TYPES.items()
        )
        return page.substitute(problems=explained).encode()


class Asset(_Kept):
    """What the page loads. It is the page's own, so nothing describes it."""

    operations: Mapping[str, Operation] = {}

    def __init__(self) -> None:
        super().__init__()
        folder = files(__package__).joinpath("docs")
        self._files = {
            file.name: file for file in folder.iterdir() if file.name.rpartition(".")[2] in MEDIA_TYPES
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        """The file of that name."""
        if name not in self._files:
            raise falcon.HTTPRouteNotFound
        self._answer(req, resp, name, MEDIA_TYPES[name.rpartition(".")[2]])

    on_head = on_get

    def _make(self, name: str) -> bytes:
        return self._files[name].read_bytes()


def _html(markdown: str) -> str:
    """The HTML of a text with `code` in it."""
    parts = escape(markdown).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
