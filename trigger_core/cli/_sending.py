"""Who sends on which channel, and how fast, as the command line says it."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import Final

from attrs import frozen

from trigger_core import Library
from trigger_core.errors import InvalidInput, InvalidValue
from trigger_core.facts import CHANNELS, choice
from trigger_core.senders import Sender, open_sender
from trigger_core.worker import Worker

_WHO: Final = (
    "who sends? give --sender CHANNEL=URL, such as --sender sms=sandbox: (which reaches nobody) "
    "or --sender 'email=smtp://user@host:587?from=hello@acme.example'"
)


@frozen
class Sending:
    """Senders by channel, and the most messages a second by channel."""

    senders: Mapping[str, Sender]
    rates: Mapping[str, float]

    def __str__(self) -> str:
        return ", ".join(f"{channel} by {sender.provider}" for channel, sender in self.senders.items())

    def worker(self, library: Library) -> Worker:
        """A worker that isn't started yet."""
        return Worker(library, self.senders, rates=self.rates)


def asked(arguments: Namespace) -> Sending:
    """The senders and rates that the arguments of ``serve`` or ``worker`` name; none where there is to be no worker.

    Raises:
        InvalidInput: they don't go together, or one of them can't be.
    """
    works = arguments.command == "worker" or arguments.worker
    if not works and (arguments.sender or arguments.rate):
        raise InvalidInput("--sender and --rate are for a worker: give --worker, too")
    if works and not arguments.sender:
        raise InvalidInput(_WHO)
    urls, rates = _by_channel("--sender", arguments.sender), _by_channel("--rate", arguments.rate)
    if missing := [channel for channel in rates if channel not in urls]:
        raise InvalidValue("--rate", f"must be for a channel that has a --sender, not for {missing[0]}")
    return Sending(
        {channel: open_sender(channel, url) for channel, url in urls.items()},
        {channel: _rate(text) for channel, text in rates.items()},
    )


def _by_channel(option: str, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for channel, value in pairs:
        choice(channel, option, CHANNELS)
        if channel in found:
            raise InvalidValue(option, f"must be given once for {channel}")
        found[channel] = value
    return found


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate < math.inf:
        raise InvalidValue("--rate", "must be a number of messages a second above 0, such as sms=10")
    return rate
