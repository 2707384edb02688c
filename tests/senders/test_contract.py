"""The check of the port: senders that keep to it pass, and each way of breaking it is noticed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from tests.senders.servers import receiving
from trigger_core.facts import Event
from trigger_core.senders import Accepted, Message, Rejected, Result, Sender
from trigger_core.testing import check_sender
from trigger_sandbox import SandboxSender
from trigger_smtp import SMTPSender

HELLO = Message(
    token="t", channel="email", account="acme", contact="user_1", address="anna@example.com", text="Hello"
)
BAD = evolve(HELLO, address="nowhere@example.com")


@pytest.mark.parametrize("events", [True, False])
@pytest.mark.parametrize("most", [1, 2, 5000])
@pytest.mark.parametrize(
    ("channel", "good", "bad"),
    [
        ("email", "success+a@simulator.amazonses.com", None),
        ("email", "anna@example.com", None),
        ("sms", "+15005550006", "+15005550001"),
        ("whatsapp", "+14155550100", "+15005550009"),
    ],
)
def test_the_sandbox_keeps_to_the_port(
    channel: str, good: str, bad: str | None, most: int, events: bool
) -> None:
    def make() -> Sender:
        return SandboxSender(channel, most=most, events=events, delay=timedelta(0))

    message = evolve(HELLO, channel=channel, address=good)
    check_sender(make, message, evolve(message, address=bad) if bad else None)


@pytest.mark.parametrize("most", [1, 20])
def test_smtp_keeps_to_the_port(most: int) -> None:
    with receiving() as inbox:
        inbox.refused[BAD.address] = "550 5.1.1 nobody of that name"

        def make() -> Sender:
            return SMTPSender(
                "127.0.0.1",
                inbox.port,
                sender="hi@acme.example",
                security="none",
                most=most,
                local_hostname="test",
            )

        check_sender(make, HELLO, BAD, lambda: len(inbox.envelopes))


class Example:
    """A sender that keeps to the port; tests break it in one place."""

    provider = "example"
    idempotent = True
    most = 3

    def __init__(self, out: list[str]) -> None:
        self.out = out

    def send(self, messages: Sequence[Message]) -> Sequence[Result]:
        return [self.one(message) for message in messages]

    def one(self, message: Message) -> Result:
        if message.address == BAD.address:
            return Rejected(code="unknown", message="Nobody of that name")
        if message.token not in self.out:
            self.out.append(message.token)
        return Accepted(provider_message_id=f"id-{message.token}", cost=Decimal("0.01"))

    def events(self) -> Sequence[Event]:
        return [
            Event(
                event_id="e",
                type="delivered",
                at=datetime(2025, 1, 1, tzinfo=UTC),
                account="acme",
                provider="example",
                provider_message_id=f"id-{self.out[0]}",
            )
        ]

    def close(self) -> None:
        pass


def check(change: dict[str, Any]) -> None:
    out: list[str] = []
    sender = type("Changed", (Example,), change)(out)
    check_sender(lambda: sender, HELLO, BAD, lambda: len(out))


def test_a_sender_written_by_hand_keeps_to_the_port() -> None:
    check({})


def always(result: object) -> Callable[..., Any]:
    return lambda self, *_: result


def sent_again(self: Example, message: Message) -> Result:
    result = Example.one(self, message)
    self.out.append(message.token)
    return result


def sent_but_if_repeated(self: Example, message: Message) -> Result:
    if message.token in self.out:
        return Rejected(code="duplicate", message="Sent already")
    return Example.one(self, message)


def reversed_results(self: Example, messages: Sequence[Message]) -> Sequence[Result]:
    return [*reversed(Example.send(self, messages))]


def sent_twice_when_repeated(self: Example, message: Message) -> Result:
    result = Example.one(self, message)
    if isinstance(result, Accepted):
        repeated = f"{message.token} known"
        self.out.extend([f"{message.token} again"] if repeated in self.known else [])  # type: ignore[attr-defined]
        self.known.add(repeated)  # type: ignore[attr-defined]
    return result


def closes_once(self: Example) -> None:
    if self.out == ["closed"]:
        raise ValueError
    self.out[:] = ["closed"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"provider": ""}, "provider"),
        ({"idempotent": None}, "idempotent must"),
        ({"most": 0}, "most must"),
        ({"send": always([Accepted()])}, "one result for each"),
        ({"send": lambda self, messages: Example.send(self, messages)[:2]}, "one result for each"),
        ({"send": reversed_results}, "the order of the messages"),
        ({"one": always(None)}, "Accepted or Rejected"),
        ({"one": always(Rejected(code="x", message="no"))}, "to be accepted is rejected"),
        ({"one": always(Rejected(code="", message="no"))}, "can't be recorded: code"),
        ({"one": always(Rejected(code="x", message="no", retry=1))}, "retry must"),  # type: ignore[arg-type]
        ({"one": always(Accepted(provider_message_id="x"))}, "same provider_message_id"),
        ({"one": always(Accepted(segments=-1))}, "can't be recorded: segments"),
        ({"one": always(Accepted(cost=Decimal("0.00000001")))}, "can't be recorded: cost"),
        ({"one": sent_again}, "must get out, once"),
        ({"one": sent_but_if_repeated}, "the same of the same token"),
        ({"one": sent_twice_when_repeated, "known": set()}, "a token twice"),
        ({"events": always(["delivered"])}, "events must be"),
        ({"events": lambda self: [evolve(Example.events(self)[0], provider="other")]}, "sender's provider"),
        ({"events": lambda self: [evolve(Example.events(self)[0], account="other")]}, "message's account"),
    ],
)
def test_what_breaks_the_port_is_noticed(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(AssertionError, match=problem):
        check(change)


def test_a_sender_can_be_closed_twice() -> None:
    with pytest.raises(ValueError, match=r"^$"):
        check({"close": closes_once})
