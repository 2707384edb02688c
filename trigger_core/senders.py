"""The port for senders: messages in, and for each what became of it.

A sender is anything with the members of ``Sender``; it inherits nothing. This one prints:

>>> class Printer:
...     provider = "printer"
...     idempotent = False
...     most = 100
...     def send(self, messages):
...         for message in messages:
...             print(message.address, message.text)
...         return [Accepted(provider_message_id=message.token) for message in messages]
...     def events(self):
...         return []
...     def close(self):
...         pass
>>> hello = Message(token="t", channel="sms", account="acme", contact="user_1", address="+14155550100", text="Hello")
>>> Printer().send([hello])
+14155550100 Hello
[Accepted(provider_message_id='t', segments=None, cost=None)]

The command line names senders by URLs; ``SENDERS`` says which class opens which scheme.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from importlib import import_module
from typing import Final, Protocol

from attrs import frozen

from trigger_core.errors import InvalidValue
from trigger_core.facts import CHANNELS, Event, choice

_HTML: Final = re.compile(r"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)


@frozen(kw_only=True)
class Message:
    """What is handed to a sender for one job.

    Attributes:
        token: names this attempt, and no other one: handed over again only if nobody knows what became of it.
        channel: ``email``, ``sms`` or ``whatsapp``.
        account: the tenant.
        contact: who it is for, by external id.
        address: where it goes: an e-mail address or a phone number (E.164).
        subject: of an e-mail; None on other channels, and where the template has none.
        text: with all variables filled in.
    """

    token: str
    channel: str
    account: str
    contact: str
    address: str
    text: str
    subject: str | None = None


def is_html(text: str) -> bool:
    """Whether an e-mail's text is a page, since it begins like one. The values filled into such a template are escaped.

    >>> is_html("<!DOCTYPE html><html><p>Hi</p></html>"), is_html("<3 from Acme")
    (True, False)
    """
    return _HTML.match(text) is not None


@frozen(kw_only=True)
class Accepted:
    """The provider took the message.

    What can't be recorded of it, such as a negative cost, is logged, and left out as if it hadn't been said.

    Attributes:
        provider_message_id: what the provider calls it: later events name it. None where there is none; no two messages
            of an account may have the same. One that is given again stays with the first message.
        segments: how many the provider counted; the planned number where it doesn't say.
        cost: what the provider charges, in the account's currency; the planned price where it doesn't say.
    """

    provider_message_id: str | None = None
    segments: int | None = None
    cost: Decimal | None = None


@frozen(kw_only=True)
class Rejected:
    """The provider did not take the message, and won't send it; with code ``in_doubt``, nobody knows whether it did.

    A code of more than 200 or a message of more than 1000 characters is cut.

    Attributes:
        code: a short name of what is wrong, the provider's own where it has one.
        message: a sentence that says it.
        retry: whether it may be taken later; otherwise the job fails at once.
    """

    code: str
    message: str
    retry: bool = False


Result = Accepted | Rejected


class Sender(Protocol):
    """One provider's channel.

    Attributes:
        provider: its name, which events about its messages give.
        idempotent: whether a message that is handed over twice, with the same token, is sent once. If not, a message of
            which nobody knows whether it was taken, because the process was killed, ends failed with code ``in_doubt``.
        most: how many messages it takes at once. Those of one call are in doubt together.
    """

    provider: str
    idempotent: bool
    most: int

    def send(self, messages: Sequence[Message]) -> Sequence[Result]:
        """What became of each message, in order.

        An exception means that nothing is known: an idempotent sender is handed the same messages again later, as often
        as there are attempts; then, and for others at once, they are in doubt. A sender that knows that nothing was
        taken says so by ``Rejected`` with ``retry``.
        """

    def events(self) -> Sequence[Event]:
        """What was reported since it was asked last; for senders that are told by other ways, nothing.

        A worker that is killed before it has recorded them loses them: a sender that can ask its provider again gives
        them once more when it is made anew, as events told twice count once.
        """

    def close(self) -> None:
        """Ends all connections."""


SENDERS: Final[dict[str, str]] = {
    "sandbox": "trigger_sandbox:SandboxSender",
    "smtp": "trigger_smtp:SMTPSender",
    "smtps": "trigger_smtp:SMTPSender",
}
"""Which class opens which scheme, as ``module:name``, by its class method ``from_url(channel, url)``."""


def open_sender(channel: str, url: str) -> Sender:
    """The sender that a URL names, for one channel.

    Args:
        channel: ``email``, ``sms`` or ``whatsapp``.
        url: ``sandbox:``, or ``smtp://user@host:port?from=hello@acme.example`` as ``trigger_smtp`` explains it.

    Raises:
        InvalidValue: no sender is known for the URL's scheme, or it can't be opened so. The URL isn't repeated.

    >>> open_sender("sms", "sandbox:").provider
    'sandbox'
    """
    choice(channel, "channel", CHANNELS)
    scheme, separator, _ = url.partition(":")
    if not separator or scheme not in SENDERS:
        raise InvalidValue(
            "sender", f"must be a URL that begins with {', '.join(f'{name}:' for name in SENDERS)}"
        )
    module, _, name = SENDERS[scheme].partition(":")
    sender: Sender = getattr(import_module(module), name).from_url(channel, url)
    return sender
