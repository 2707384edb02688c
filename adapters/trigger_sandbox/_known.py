"""Test numbers and addresses, and what becomes of messages to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trigger_core.senders import Rejected

MARKS: Final = {"email": "@simulator.amazonses.com", "sms": "+150055500", "whatsapp": "+150055500"}
"""What is part of every known address of a channel, and of few others."""

REFUSED: Final[Mapping[str, Rejected]] = {
    "+15005550001": Rejected(code="21211", message="The number is not valid"),
    "+15005550002": Rejected(code="21612", message="There is no route to this number"),
    "+15005550003": Rejected(code="21408", message="Sending to this region is not permitted"),
    "+15005550004": Rejected(code="21610", message="The number is blocked: its owner opted out"),
    "+15005550009": Rejected(code="21614", message="The number can't receive messages"),
}
"""Twilio's magic numbers with Twilio's codes."""

REPORTED: Final[Mapping[str, tuple[str, ...]]] = {
    "+15005550005": ("failed",),
    "+15005550006": ("delivered",),
    "success@simulator.amazonses.com": ("delivered",),
    "ooto@simulator.amazonses.com": ("delivered",),
    "bounce@simulator.amazonses.com": ("bounced",),
    "suppressionlist@simulator.amazonses.com": ("bounced",),
    "complaint@simulator.amazonses.com": ("delivered", "complained"),
}
"""Accepted addresses with the events that follow: Twilio's, SES's, and one that Twilio has no number for."""

PASSING: Final[Mapping[str, Mapping[str, int]]] = {
    "email": {"throttle@simulator.amazonses.com": 2},
    "sms": {"+15005550008": 2},
    "whatsapp": {"+15005550008": 2},
}
"""By channel, addresses of which the first messages are refused for a passing reason; how many."""

BUSY: Final = Rejected(code="throttled", message="Too many messages: try again later", retry=True)


def plain(address: str) -> str:
    """An address without the label that SES's simulator ignores.

    >>> plain("bounce+order-7@simulator.amazonses.com")
    'bounce@simulator.amazonses.com'
    >>> plain("+15005550001")
    '+15005550001'
    """
    local, at, domain = address.partition("@")
    return f"{local.partition('+')[0]}{at}{domain}" if at else address
