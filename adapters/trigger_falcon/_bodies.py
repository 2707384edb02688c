"""Request bodies: JSON objects of a bounded size."""

from __future__ import annotations

from typing import Any, Final

import falcon

from trigger_core import _json
from trigger_core.errors import InvalidValue

MOST_BYTES: Final = 1024 * 1024
MOST_BYTES_OF_MANY: Final = 8 * 1024 * 1024
"""Room for the most contacts or events that a request may have, at some 80 bytes a contact and 800 an event."""
MEDIA_TYPE: Final = "application/json"


def read(req: falcon.Request, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """The JSON object that came with the request; numbers with a fraction or an exponent are ``Decimal``.

    Args:
        req: the request.
        most_bytes: how long its body may be.

    Raises:
        falcon.HTTPUnsupportedMediaType: it isn't said to be JSON in UTF-8.
        falcon.HTTPContentTooLarge: it is longer.
        InvalidValue: it is no JSON object, or gives a member twice.
    """
    _check_media_type(req)
    if (req.content_length or 0) > most_bytes:
        raise _too_large(most_bytes)
    data = req.bounded_stream.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise _too_large(most_bytes)
    value = _json.parse(data, "body")
    if not isinstance(value, dict):
        raise InvalidValue("body", "must be a JSON object")
    return value


def _check_media_type(req: falcon.Request) -> None:
    name, *parameters = (part.strip(" \t") for part in (req.content_type or "").lower().split(";"))
    charsets = {"charset=utf-8", 'charset="utf-8"'}
    if (
        name != MEDIA_TYPE
        or not charsets.issuperset(parameters)
        or req.get_header("Content-Encoding", default="identity").lower() != "identity"
    ):
        raise falcon.HTTPUnsupportedMediaType(
            description=f"The body must be JSON in UTF-8, not compressed, with Content-Type: {MEDIA_TYPE}."
        )


def _too_large(most_bytes: int) -> falcon.HTTPError:
    return falcon.HTTPContentTooLarge(description=f"The body must have at most {most_bytes} bytes.")
