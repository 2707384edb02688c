"""Who sends on which channel, and how fast, as the command line says it."""

from __future__ import annotations

import math
import re
from argparse import Namespace
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from attrs import frozen

from trigger_core import Library
from trigger_core.errors import InvalidInput, InvalidValue
from trigger_core.facts import CHANNELS, choice
from trigger_core.senders import Sender, open_sender
from trigger_core.worker import Patience, Worker

_WHO: Final = (
    "who sends? give --sender CHANNEL=URL, such as --sender sms=sandbox: (which reaches nobody) "
    "or --sender 'email=smtp://user@host:587?from=hello@acme.example'"
)


_TIME: Final = re.compile("([0-9]{1,4})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@frozen
class Sending:
    """Senders by channel, the most messages a second by channel, and how often and how long a message is tried."""

    senders: Mapping[str, Sender]
    rates: Mapping[str, float]
    patience: Patience

    def __str__(self) -> str:
        return ", ".join(f"{channel} by {sender.provider}" for channel, sender in self.senders.items())

    def worker(self, library: Library) -> Worker:
        """A worker that isn't started yet."""
        return Worker(library, self.senders, rates=self.rates, patience=self.patience)


def asked(arguments: Namespace) -> Sending:
    """What the arguments of ``serve`` or ``worker`` say of sending; no senders where there is to be no worker.

    Raises:
        InvalidInput: they don't go together, or one of them can't be.
    """
    works = arguments.command == "worker" or arguments.worker
    for option in ("--sender", "--rate", "--attempts", "--pause", "--give-up-after"):
        if not works and getattr(arguments, option[2:].replace("-", "_")) not in ([], None):
            raise InvalidInput(f"{option} is for a worker: give --worker, too")
    if works and not arguments.sender:
        raise InvalidInput(_WHO)
    urls, rates = _by_channel("--sender", arguments.sender), _by_channel("--rate", arguments.rate)
    if missing := [channel for channel in rates if channel not in urls]:
        raise InvalidValue("--rate", f"must be for a channel that has a --sender, not for {missing[0]}")
    return Sending(
        {channel: open_sender(channel, url) for channel, url in urls.items()},
        {channel: _rate(text) for channel, text in rates.items()},
        _patience(arguments),
    )


def _by_channel(option: str, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for channel, value in pairs:
        choice(channel, option, CHANNELS)
        if channel in found:
            raise InvalidValue(option, f"must be given once for {channel}")
        found[channel] = value
    return found


def _patience(arguments: Namespace) -> Patience:
    given: dict[str, Any] = {
        "attempts": arguments.attempts,
        "pause": _time("--pause", arguments.pause),
        "limit": _time("--give-up-after", arguments.give_up_after),
    }
    try:
        return Patience(**{name: value for name, value in given.items() if value is not None})
    except InvalidValue as error:
        option = "--give-up-after" if error.field == "limit" else f"--{error.field}"
        raise InvalidValue(option, error.problem) from None


def _time(option: str, text: str | None) -> timedelta | None:
    if text is None:
        return None
    if (found := _TIME.fullmatch(text)) is None:
        raise InvalidValue(option, "must be a time such as 30s, 10m, 2h or 1d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate < math.inf:
        raise InvalidValue("--rate", "must be a number of messages a second above 0, such as sms=10")
    return rate
