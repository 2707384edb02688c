"""What every sender has to keep to, as a check that any test framework can run.

>>> from trigger_core.senders import Accepted, Message
>>> class Forgetful:
...     provider, idempotent, most = "forgetful", False, 10
...     def send(self, messages):
...         return [Accepted(provider_message_id="same") for message in messages]
...     def events(self):
...         return []
...     def close(self):
...         pass
>>> hello = Message(token="t", channel="sms", account="acme", contact="user_1", address="+14155550100", text="Hello")
>>> check_sender(Forgetful, hello)
Traceback (most recent call last):
AssertionError: no two accepted messages may have the same provider_message_id
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from typing import Final

from attrs import evolve

from trigger_core.errors import InvalidValue
from trigger_core.facts import Error, Event, Outcome, text
from trigger_core.senders import Accepted, Message, Rejected, Result, Sender

__all__ = ["check_sender"]

_ANY: Final = "00000000-0000-4000-8000-000000000000"


def check_sender(
    make: Callable[[], Sender],
    accepted: Message,
    rejected: Message | None = None,
    outbox: Callable[[], int] | None = None,
) -> None:
    """Holds a sender against what the port promises.

    Args:
        make: gives a new sender. To have its events checked too, let it be one that reports without delay.
        accepted: a message that it takes.
        rejected: one that it doesn't, whatever its token; without it, the order of results isn't checked.
        outbox: how many messages have got out by now, to whatever stands for the provider.

    Raises:
        AssertionError: saying what the sender does that it must not.
    """
    tokens = (f"check-{number}" for number in count())

    def some(number: int) -> list[Message]:
        return [evolve(accepted, token=next(tokens)) for _ in range(number)]

    with closing(make()) as sender:
        _check_members(sender)
        _must(_send(sender, []) == [], "no messages have no results")
        few = min(sender.most, 3)
        before = outbox() if outbox else 0
        first, second = some(few), some(sender.most)
        results = [*_send(sender, first), *_send(sender, second)]
        _must(
            all(isinstance(result, Accepted) for result in results), "the message to be accepted is rejected"
        )
        ids = [result.provider_message_id for result in results if isinstance(result, Accepted)]
        known = [name for name in ids if name is not None]
        _must(len(set(known)) == len(known), "no two accepted messages may have the same provider_message_id")
        if outbox:
            _must(outbox() - before == len(results), "each accepted message must get out, once")
        if rejected is not None:
            _check_order(sender, some(few), evolve(rejected, token=next(tokens)))
        if sender.idempotent:
            before = outbox() if outbox else 0
            again = _send(sender, first)
            _must(again == results[:few], "an idempotent sender must say the same of the same token")
            _must(not outbox or outbox() == before, "an idempotent sender must not send a token twice")
        _check_events(sender, accepted.account)
        sender.close()


def _must(condition: bool, sentence: str) -> None:
    if not condition:
        raise AssertionError(sentence)


def _check_members(sender: Sender) -> None:
    try:
        text(sender.provider, "provider", 200)
    except InvalidValue as error:
        raise AssertionError(str(error)) from None
    _must(isinstance(sender.idempotent, bool), "idempotent must be True or False")
    _must(type(sender.most) is int and sender.most > 0, "most must be a whole number of at least 1")


def _send(sender: Sender, messages: Sequence[Message]) -> list[Result]:
    """Results, each of which can be recorded."""
    results = list(sender.send(messages))
    _must(len(results) == len(messages), "there must be one result for each message")
    for result in results:
        _must(isinstance(result, Accepted | Rejected), "a result must be Accepted or Rejected")
        try:
            if isinstance(result, Rejected):
                Error(code=result.code, message=result.message)
                _must(isinstance(result.retry, bool), "retry must be True or False")
            else:
                Outcome(
                    execution_id=_ANY,
                    job_id=1,
                    outcome="sent",
                    at=datetime.now(UTC),
                    provider=sender.provider,
                    provider_message_id=result.provider_message_id,
                    segments=result.segments,
                    cost=result.cost,
                )
        except InvalidValue as error:
            raise AssertionError(f"a result can't be recorded: {error}") from None
    return results


def _check_order(sender: Sender, accepted: list[Message], rejected: Message) -> None:
    """The rejected one has its result in its own place, whichever that is."""
    for place in range(min(len(accepted), sender.most - 1) + 1):
        batch = [evolve(message, token=f"{message.token}-{place}") for message in accepted]
        batch[place:place] = [evolve(rejected, token=f"{rejected.token}-{place}")]
        batch = batch[: sender.most]
        results = _send(sender, batch)
        expected = [index == place for index in range(len(batch))]
        actual = [isinstance(result, Rejected) for result in results]
        _must(
            actual == expected, "results must have the order of the messages, and one must not spoil another"
        )


def _check_events(sender: Sender, account: str) -> None:
    for event in sender.events():
        _must(isinstance(event, Event), "events must be trigger_core.facts.Event")
        if event.provider is not None:
            _must(event.provider == sender.provider, "an event must name the sender's provider")
            _must(event.account == account, "an event must name the message's account")
