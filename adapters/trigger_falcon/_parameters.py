"""Parameters of paths and queries: which there are, and what they may be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

import falcon
from attrs import frozen

from trigger_core.answers import JobStatus, Status
from trigger_core.errors import InvalidValue
from trigger_core.facts import CHANNELS, FLOW_TYPES, TRIGGER_TYPES, choice, instant, text, whole
from trigger_falcon._problems import invalid_request


@frozen
class Parameter:
    """One query parameter.

    Attributes:
        check: what makes a value of its text, or raises ``InvalidValue``; given the text and the name.
        schema: what it accepts, as JSON Schema.
    """

    check: Callable[[str, str], object]
    schema: Mapping[str, Any]


def _one_of(options: tuple[str, ...]) -> Parameter:
    schema = {"type": "string", "enum": list(options)}
    return Parameter(lambda value, name: choice(value, name, options), schema)


def _whole(least: int, most: int) -> Parameter:
    def check(value: str, name: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            raise InvalidValue(name, f"must be a whole number from {least} to {most}")
        return whole(int(value), name, least, most)

    return Parameter(check, {"type": "integer", "minimum": least, "maximum": most})


def _text(most: int) -> Parameter:
    schema = {"type": "string", "minLength": 1, "maxLength": most}
    return Parameter(lambda value, name: text(value, name, most), schema)


_INSTANT: Final = Parameter(instant, {"type": "string", "format": "date-time"})

NONE: Final[Mapping[str, Parameter]] = {}
PAGES: Final[Mapping[str, Parameter]] = {"limit": _whole(1, 200), "cursor": _text(4000)}
JOBS: Final[Mapping[str, Parameter]] = {
    "status": _one_of(get_args(JobStatus)),
    "filter_code": _text(200),
    "contact": _text(200),
    **PAGES,
}
TRIGGERS: Final[Mapping[str, Parameter]] = {
    "status": _one_of(get_args(Status)),
    "flow_type": _one_of(FLOW_TYPES),
    "trigger_type": _one_of(TRIGGER_TYPES),
    "created_after": _INSTANT,
    "created_before": _INSTANT,
    **PAGES,
}

_NAME: Final = {"type": "string", "minLength": 1, "maxLength": 200}
JOB_ID: Final = re.compile("[1-9][0-9]{0,9}")
IN_PATHS: Final[Mapping[str, Mapping[str, Any]]] = {
    "trigger_id": {"type": "string", "format": "uuid"},
    "execution_id": {"type": "string", "format": "uuid"},
    "job_id": {"type": "string", "pattern": f"^{JOB_ID.pattern}$"},
    "external_id": _NAME,
    "key": _NAME,
    "name": _NAME,
    "channel": {"type": "string", "enum": list(CHANNELS)},
}
"""What the parts of paths look like. Others lead nowhere: a 404, like any unknown id, or for a PUT a 400."""


IDEMPOTENCY_KEY: Final = re.compile("[!-~]{1,200}")


def idempotency_key(req: falcon.Request) -> str | None:
    """The Idempotency-Key that came with the request.

    Raises:
        InvalidValue: it is none that can be kept.
    """
    key: str | None = req.env.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        raise InvalidValue("Idempotency-Key", "must be 1 to 200 visible ASCII characters, given once")
    return key


def read(req: falcon.Request, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """The request's parameters, checked.

    Raises:
        falcon.HTTPError: a 400 that names every parameter that is unknown, repeated or wrong.
    """
    values: dict[str, Any] = {}
    errors: list[InvalidValue] = []
    for name, value in req.params.items():
        parameter = parameters.get(name)
        if parameter is None:
            allowed = ", ".join(parameters) or "none"
            errors.append(InvalidValue(name, f"is not a query parameter here; allowed: {allowed}"))
        elif isinstance(value, list):
            errors.append(InvalidValue(name, "must not be given more than once"))
        else:
            try:
                values[name] = parameter.check(value, name)
            except InvalidValue as error:
                errors.append(error)
    if errors:
        raise invalid_request(errors)
    return values
