"""JSON as strictly as RFC 8259 allows, with exact numbers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

from trigger_core.errors import InvalidValue

_BLANKS: Final = b" \t\r\n"


def parse(data: bytes, name: str) -> Any:
    """The value that a JSON text in UTF-8 stands for; numbers with a fraction or an exponent are ``Decimal``.

    Args:
        data: the text.
        name: what to call it in an error.

    Raises:
        InvalidValue: it isn't UTF-8 or JSON, is nested too deeply, or gives a member of an object twice.

    >>> parse(b'{"price": 0.10, "price": 0.20}', "body")
    Traceback (most recent call last):
    trigger_core.errors.InvalidValue: price: must not be given twice
    """
    try:
        text = data.strip(_BLANKS).decode()
        value, end = _decode(text)
        if end < len(text):
            raise json.JSONDecodeError("Extra data", text, end)
        return value
    except InvalidValue:
        raise
    except UnicodeDecodeError as error:
        raise InvalidValue(name, f"must be UTF-8: byte {error.start + 1} is not") from None
    except json.JSONDecodeError as error:
        raise InvalidValue(name, f"must be JSON: {error.msg} at character {error.pos + 1}") from None
    except _NotJSON as error:
        raise InvalidValue(name, f"must be JSON, which has no {error}") from None
    except RecursionError:
        raise InvalidValue(name, "must not be nested so deeply") from None
    except (ValueError, ArithmeticError):
        raise InvalidValue(name, "must not have so long a number") from None


class _NotJSON(Exception):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise InvalidValue(name, "must not be given twice")
            seen.add(name)
    return members


def _constant(name: str) -> Any:
    raise _NotJSON(name)


_decode: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Decimal, parse_constant=_constant
).raw_decode
