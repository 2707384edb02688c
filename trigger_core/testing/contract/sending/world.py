"""A catalog, a clock that tests set, and senders that do what they are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from attrs import define, field

import trigger_core
from trigger_core import Library
from trigger_core.catalog import (
    Contact,
    ContactList,
    Template,
    TemplateGroup,
    TemplateVariant,
    Workflow,
    WorkflowStep,
)
from trigger_core.facts import Event
from trigger_core.senders import Accepted, Message, Result
from trigger_core.store import Row
from trigger_core.testing.contract.stores import fresh
from trigger_core.worker import Worker

NOON = datetime(2025, 11, 23, 12, tzinfo=UTC)
ACCOUNT = "acme"
CHANNELS = ("email", "sms", "whatsapp")


@define
class Clock:
    """The time, which stands still unless it is moved on."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        """Moves on by so many ``seconds``, ``hours`` or ``days``."""
        self.now += timedelta(**time)


def bury(library: Library, worker: Worker, clock: Clock) -> None:
    """Has others see that a worker is dead: at once, or where it might live elsewhere when its lease has run out."""
    library._workers.pop(worker.worker_id)
    if not library.store.sees_every_write:
        clock.forward(minutes=2)


@define
class Teller:
    """A sender that keeps what it is handed, and answers as it is told.

    Attributes:
        answer: what becomes of a message; accepted unless told.
        handed: all messages, in order.
        before: called with each batch before anything becomes of it.
    """

    answer: Callable[[Message], Result] = lambda message: Accepted(provider_message_id=message.token)
    provider: str = "teller"
    idempotent: bool = False
    most: int = 100
    before: Callable[[Sequence[Message]], object] = lambda messages: None
    handed: list[Message] = field(factory=list)
    told: list[Event] = field(factory=list)
    closed: int = 0

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """What became of each."""
        self.before(messages)
        self.handed += messages
        return [self.answer(message) for message in messages]

    def events(self) -> list[Event]:
        """What was told since."""
        told, self.told = self.told, []
        return told

    def close(self) -> None:
        """Counts."""
        self.closed += 1

    @property
    def times(self) -> Counter[str]:
        """How often each message was handed over."""
        return Counter(message.token for message in self.handed)


def fill(library: Library, people: int = 5) -> None:
    """Contacts user_1 …, all of them on the list everyone; templates hello; workflows Series and Group."""
    put = library.catalog.put
    for channel in CHANNELS:
        variant = TemplateVariant(
            approved=True,
            text="Hello {{name}}",
            price=Decimal("0.01"),
            subject="Hi" if channel == "email" else None,
        )
        put(ACCOUNT, Template(key="hello", channel=channel, currency="USD", variants=(variant,)))
    contacts = [
        Contact(
            external_id=f"user_{number}",
            email=f"user_{number}@example.org",
            phone_number=f"+1415555{number:04}",
            attributes={"name": f"No. {number}"},
        )
        for number in range(1, people + 1)
    ]
    library.catalog.put_contacts(ACCOUNT, contacts)
    put(ACCOUNT, ContactList(name="everyone", contacts=tuple(contact.external_id for contact in contacts)))
    steps = [
        WorkflowStep(
            step_id=f"step-{place}",
            step_name=channel,
            channel=channel,
            template_key="hello",
            delay_minutes=1440 * delay,
        )
        for place, (channel, delay) in enumerate((("email", 0), ("sms", 1), ("whatsapp", 4)), 1)
    ]
    put(ACCOUNT, Workflow(name="Series", steps=tuple(steps)))
    put(ACCOUNT, TemplateGroup(key="hello", templates=dict.fromkeys(CHANNELS, "hello")))
    put(ACCOUNT, Workflow(name="Group", template_group="hello"))


FILLED = (
    "accounts",
    "contacts",
    "lists",
    "list_members",
    "template_variants",
    "template_groups",
    "workflows",
    "workflow_steps",
)
_filled: dict[tuple[str, int, datetime], dict[str, list[Row]]] = {}
"""The rows that `fill` wrote, by dialect, people and time: to write rows takes a fifth of putting the items."""


def make(clock: Clock, store: str | None = None, people: int = 5) -> Library:
    """A library on that clock, with the catalog filled."""
    library = trigger_core.open(store, clock=clock) if store else fresh(clock=clock)
    key = library.store.dialect, people, clock.now
    if key not in _filled:
        fill(library, people)
        _filled[key] = {
            table: library.store.table(f"select * from {table}", {})[1]  # noqa: S608
            for table in FILLED
        }
        return library
    with library.store.write() as session:
        for table, rows in _filled[key].items():
            session.append(table, rows)
    return library
