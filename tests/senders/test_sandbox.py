"""The sandbox: what becomes of known addresses, what is reported when, and that it forgets."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trigger_core.errors import InvalidValue
from trigger_core.senders import Accepted, Message, Rejected
from trigger_sandbox import SandboxSender

NOON = datetime(2025, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def message(token: str, address: str, *, text: str = "Hello", channel: str = "sms") -> Message:
    return Message(token=token, channel=channel, account="acme", contact="user_1", address=address, text=text)


def channel_of(address: str) -> str:
    return "email" if "@" in address else "sms"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("+15005550001", "21211"),
        ("+15005550002", "21612"),
        ("+15005550003", "21408"),
        ("+15005550004", "21610"),
        ("+15005550009", "21614"),
    ],
)
@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
def test_twilios_magic_numbers_are_rejected_with_its_codes(channel: str, address: str, code: str) -> None:
    sandbox = SandboxSender(channel)
    [result] = sandbox.send([message("t", address, channel=channel)])
    assert isinstance(result, Rejected)
    assert (result.code, result.retry) == (code, False)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("+15005550006", ["delivered"]),
        ("+15005550005", ["failed"]),
        ("success@simulator.amazonses.com", ["delivered"]),
        ("ooto@simulator.amazonses.com", ["delivered"]),
        ("bounce@simulator.amazonses.com", ["bounced"]),
        ("bounce+order-7@simulator.amazonses.com", ["bounced"]),
        ("suppressionlist@simulator.amazonses.com", ["bounced"]),
        ("complaint@simulator.amazonses.com", ["delivered", "complained"]),
    ],
)
def test_known_addresses_are_accepted_and_have_their_events(address: str, expected: list[str]) -> None:
    clock = Clock()
    sandbox = SandboxSender(channel_of(address), clock=clock, rates={})
    [result] = sandbox.send([message("t", address)])
    assert isinstance(result, Accepted)
    clock.now += timedelta(minutes=1)
    events = [*sandbox.events(), *sandbox.events()]
    assert expected == [event.type for event in events]
    assert {("acme", "sandbox", result.provider_message_id)} == {
        (event.account, event.provider, event.provider_message_id) for event in events
    }


def test_events_come_when_they_are_due() -> None:
    """The first after the delay, give or take a half; the next after twice as long; each once, with its own time."""
    clock = Clock()
    sandbox = SandboxSender("email", clock=clock, delay=2 * SECOND)
    sandbox.send([message("t", "complaint@simulator.amazonses.com")])
    clock.now = NOON + 0.9 * SECOND
    assert sandbox.events() == []
    clock.now = NOON + 3 * SECOND
    [delivered] = sandbox.events()
    assert NOON + SECOND <= delivered.at <= NOON + 3 * SECOND
    clock.now = NOON + 9 * SECOND
    [complained] = sandbox.events()
    assert timedelta(milliseconds=4) > abs((complained.at - NOON) - 3 * (delivered.at - NOON))
    assert delivered.event_id != complained.event_id
    clock.now = NOON + 99 * SECOND
    assert sandbox.events() == []


def test_events_are_in_order_of_time_and_as_frequent_as_told() -> None:
    rates = {"delivered": 0.9, "opened": 0.5, "clicked": 0.25, "bounced": 0.1}
    sandbox = SandboxSender("email", delay=timedelta(0), rates=rates)
    sandbox.send([message(f"85b3b004:{n}:1", f"user{n}@example.com") for n in range(5000)])
    events = sandbox.events()
    assert [event.at for event in events] == sorted(event.at for event in events)
    shares = {type_: count / 5000 for type_, count in Counter(event.type for event in events).items()}
    assert shares == pytest.approx(rates, abs=0.02)
    ids = {type_: {event.provider_message_id for event in events if event.type == type_} for type_ in rates}
    assert ids["clicked"] < ids["opened"] < ids["delivered"]
    assert not ids["delivered"] & ids["bounced"]


def test_the_same_token_and_seed_have_the_same_fate() -> None:
    def fates(seed: int) -> list[tuple[str, str]]:
        sandbox = SandboxSender("whatsapp", seed=seed, delay=timedelta(0))
        sandbox.send([message(f"t{n}", "+14155550100") for n in range(200)])
        return sorted((event.event_id, event.type) for event in sandbox.events())

    assert fates(1) == fates(1)
    assert fates(1) != fates(2)


def test_a_passing_failure_passes() -> None:
    """The first messages to such an address are refused for now; a token handed over again has the same answer."""
    sandbox = SandboxSender("sms", passing={"+14155550100": 1})
    results = sandbox.send([message(token, "+14155550100") for token in ("a", "b", "a", "b")])
    assert [isinstance(result, Accepted) for result in results] == [False, True, False, True]
    assert all(result.retry for result in results if isinstance(result, Rejected))
    results = sandbox.send([message(token, "+15005550008") for token in ("a", "b", "c")])
    assert [isinstance(result, Accepted) for result in results] == [False, False, True]


def test_segments_are_counted_for_sms_alone() -> None:
    for channel, expected in (("sms", 2), ("email", None), ("whatsapp", None)):
        [result] = SandboxSender(channel).send([message("t", "+14155550100", text="ç" * 71)])
        assert isinstance(result, Accepted)
        assert (result.segments, result.cost) == (expected, None)


def test_memory_is_bounded() -> None:
    """Of more messages than it may keep it reports nothing, and says how many."""
    sandbox = SandboxSender("sms", waiting=10, rates={"delivered": 1}, delay=timedelta(0))
    batch = [message(f"t{n}", "+14155550100") for n in range(15)]
    assert all(isinstance(result, Accepted) for result in sandbox.send(batch))
    assert sandbox.unreported == 5
    assert len(sandbox.events()) == 10
    sandbox.send(batch[:10])
    assert (sandbox.unreported, len(sandbox.events())) == (5, 10)


def test_a_silent_sandbox_reports_nothing_and_misses_nothing() -> None:
    sandbox = SandboxSender("sms", events=False, delay=timedelta(0))
    [result] = sandbox.send([message("t", "+15005550006")])
    assert isinstance(result, Accepted)
    assert (sandbox.events(), sandbox.unreported) == ([], 0)


def test_a_closed_sandbox_has_forgotten() -> None:
    sandbox = SandboxSender("sms", delay=timedelta(0))
    sandbox.send([message("t", "+15005550006")])
    sandbox.close()
    assert sandbox.events() == []


def test_many_events_come_in_parts() -> None:
    sandbox = SandboxSender("sms", rates={"delivered": 1}, delay=timedelta(0))
    sandbox.send([message(f"t{n}", "+14155550100") for n in range(20_001)])
    assert [len(sandbox.events()) for _ in range(3)] == [20_000, 1, 0]


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("channel", {"channel": "fax"}),
        ("provider", {"provider": ""}),
        ("delay", {"delay": -SECOND}),
        ("most", {"most": 0}),
        ("seed", {"seed": -1}),
        ("waiting", {"waiting": -1}),
        ("passing", {"passing": {"+14155550100": -1}}),
        ("rates", {"rates": {"sent": 1}}),
        ("rates.opened", {"rates": {"opened": 1.1}}),
        ("rates", {"rates": {"delivered": 0.9, "failed": 0.2}}),
    ],
)
def test_what_a_sandbox_cannot_be_is_refused(field: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue) as caught:
        SandboxSender(**{"channel": "sms", **arguments})
    assert caught.value.field == field
