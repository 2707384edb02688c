"""Query parameters: which there are, and what they may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

import falcon

from trigger_core.answers import JobStatus, Status
from trigger_core.errors import InvalidValue
from trigger_core.facts import FLOW_TYPES, TRIGGER_TYPES, choice, instant, text, whole
from trigger_falcon._problems import invalid_request

Check = Callable[[str, str], object]


def _one_of(options: tuple[str, ...]) -> Check:
    return lambda value, name: choice(value, name, options)


def _limit(value: str, name: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise InvalidValue(name, "must be a whole number from 1 to 200")
    return whole(int(value), name, 1, 200)


def _cursor(value: str, name: str) -> str:
    return text(value, name, 4000)


NONE: Final[Mapping[str, Check]] = {}
PAGES: Final[Mapping[str, Check]] = {"limit": _limit, "cursor": _cursor}
JOBS: Final[Mapping[str, Check]] = {
    "status": _one_of(get_args(JobStatus)),
    "filter_code": text,
    "contact": text,
    "limit": _limit,
    "cursor": _cursor,
}
TRIGGERS: Final[Mapping[str, Check]] = {
    "status": _one_of(get_args(Status)),
    "flow_type": _one_of(FLOW_TYPES),
    "trigger_type": _one_of(TRIGGER_TYPES),
    "created_after": instant,
    "created_before": instant,
    "limit": _limit,
    "cursor": _cursor,
}


def read(req: falcon.Request, checks: Mapping[str, Check]) -> dict[str, Any]:
    """The request's parameters, checked.

    Raises:
        falcon.HTTPError: a 400 that names every parameter that is unknown, repeated or wrong.
    """
    values: dict[str, Any] = {}
    errors: list[InvalidValue] = []
    for name, value in req.params.items():
        check = checks.get(name)
        if check is None:
            allowed = ", ".join(checks) or "none"
            errors.append(InvalidValue(name, f"is not a query parameter here; allowed: {allowed}"))
        elif isinstance(value, list):
            errors.append(InvalidValue(name, "must not be given more than once"))
        else:
            try:
                values[name] = check(value, name)
            except InvalidValue as error:
                errors.append(error)
    if errors:
        raise invalid_request(errors)
    return values
