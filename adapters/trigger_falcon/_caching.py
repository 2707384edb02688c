"""Answers that those who have them needn't get again."""

from __future__ import annotations

import re
from typing import Final

import falcon

_OPAQUE_TAG: Final = re.compile('"[^"]*"')


def answer(
    req: falcon.Request,
    resp: falcon.Response,
    etag: str,
    body: bytes,
    cache: str,
    media_type: str = falcon.MEDIA_JSON,
) -> None:
    """Answers with ``body``, or with a 304 where an If-None-Match names ``etag``."""
    resp.set_header("ETag", etag)
    resp.set_header("Cache-Control", cache)
    known = req.env.get("HTTP_IF_NONE_MATCH")
    if known is not None and (known == etag or _names(known, etag)):
        resp.status = falcon.HTTP_304
    else:
        resp.content_type = media_type
        resp.data = body


def _names(header: str, etag: str) -> bool:
    """Whether an If-None-Match names ``etag``, compared weakly (RFC 9110, 8.8.3.2 and 13.1.2)."""
    return header.strip(" \t") == "*" or etag.removeprefix("W/") in _OPAQUE_TAG.findall(header)
