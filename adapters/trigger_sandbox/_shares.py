"""Which events follow a message, by shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trigger_core.errors import InvalidValue
from trigger_core.facts import EVENT_TYPES, choice

Plan = tuple[str, ...]
"""The events of one message, in order."""

DEFAULT: Final[Mapping[str, Mapping[str, float]]] = {
    "email": {"delivered": 0.98, "opened": 0.45, "clicked": 0.12, "bounced": 0.02, "unsubscribed": 0.01},
    "sms": {"delivered": 0.97, "clicked": 0.15, "failed": 0.02},
    "whatsapp": {"delivered": 0.97, "read": 0.8, "replied": 0.1, "failed": 0.02},
}
_LOST: Final = ("failed", "bounced")


def checked(rates: Mapping[str, float]) -> dict[str, float]:
    """Shares of messages by event type, or ``InvalidValue``."""
    for type_, share in rates.items():
        choice(type_, "rates", EVENT_TYPES)
        if not 0 <= share <= 1:
            raise InvalidValue(f"rates.{type_}", "must be a share from 0 to 1")
    arrived = max((share for type_, share in rates.items() if type_ not in _LOST), default=0)
    if arrived + sum(rates.get(type_, 0) for type_ in _LOST) > 1 + 1e-9:
        raise InvalidValue("rates", "must leave room: failed and bounced and any other share make at most 1")
    return dict(rates)


def plans(rates: Mapping[str, float]) -> tuple[list[float], list[Plan]]:
    """Where in 0 to 1 one plan ends and the next begins, and the plans.

    The rarer event comes to some of those that have the more frequent one, so that who clicked has opened.

    >>> plans({"delivered": 0.9, "opened": 0.5, "failed": 0.05})
    ([0.5, 0.9, 0.95], [('delivered', 'opened'), ('delivered',), (), ('failed',)])
    """
    order = sorted(rates, key=lambda type_: (-rates[type_], EVENT_TYPES.index(type_)))
    arriving = [type_ for type_ in order if type_ not in _LOST]
    bounced = 1 - rates.get("bounced", 0)
    failed = bounced - rates.get("failed", 0)
    cuts = sorted({0.0, failed, bounced, *(rates[type_] for type_ in arriving)} - {1.0})

    def plan(share: float) -> Plan:
        if share >= bounced:
            return ("bounced",)
        if share >= failed:
            return ("failed",)
        return tuple(type_ for type_ in arriving if share < rates[type_])

    return cuts[1:], [plan(cut) for cut in cuts]
