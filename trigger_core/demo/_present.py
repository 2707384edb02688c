"""What the demo sends while one watches: a catalog, and requests like those of any host."""

from __future__ import annotations

from datetime import timedelta
from itertools import cycle
from typing import Final

from trigger_core.catalog import (
    ContactList,
    Template,
    TemplateGroup,
    TemplateVariant,
    Workflow,
    WorkflowStep,
)
from trigger_core.demo._people import ACCOUNT, COUNTRIES, CURRENCY, PEOPLE, PRICES, Person
from trigger_core.facts import CHANNELS
from trigger_core.library import Library
from trigger_core.sending import Send, WorkflowRun

DUE_STEP: Final = 20
"""Seconds from the start until the step that one can watch becomes due."""

_TEXTS: Final = {
    "offer": "{{first_name}}, today everything is 20 % off.",
    "welcome": "Welcome, {{first_name}}! It is good to have you here.",
    "reminder": "You left something in your basket.",
    "alert": "{{first_name}}, what you watch just got cheaper.",
}
_LISTS: Final = {"everyone": PEOPLE, "regulars": 500, "newcomers": 200, "watchers": 100}
_STRANGERS: Final = 15
"""So many are on the list everyone, but not among the contacts."""

_SERIES: Final = (
    ("Welcome Email", "email", "welcome", 0),
    ("Reminder", "whatsapp", "reminder", 1),
    ("Day 1 SMS", "sms", "offer", 1440),
)


class Present:
    """The sends of an account.

    Args:
        library: where they are asked for; a worker of it sends them.

    Attributes:
        examples: the ids of a trigger of each flow, by ``direct``, ``steps`` and ``group``.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._channels = cycle(CHANNELS)
        self._turns = cycle((self._series, self._alert, self._offer))
        self.examples: dict[str, str] = {}

    def fill(self) -> None:
        """Puts the catalog."""
        put = self._library.catalog.put
        for key in _TEXTS:
            for channel in CHANNELS:
                put(ACCOUNT, _template(key, channel))
        put(ACCOUNT, TemplateGroup(key="alert", templates=dict.fromkeys(CHANNELS, "alert")))
        steps = [
            WorkflowStep(
                step_id=f"step-{place}",
                step_name=name,
                channel=channel,
                template_key=key,
                delay_minutes=delay,
            )
            for place, (name, channel, key, delay) in enumerate(_SERIES, 1)
        ]
        put(ACCOUNT, Workflow(name="Onboarding", steps=tuple(steps)))
        put(ACCOUNT, Workflow(name="Price Alert", template_group="alert"))
        self._library.catalog.put_contacts(ACCOUNT, (Person(number).contact() for number in range(PEOPLE)))
        for name, size in _LISTS.items():
            members = [Person(number * PEOPLE // size).external_id for number in range(size)]
            if name == "everyone":
                members += [f"stranger_{number}" for number in range(_STRANGERS)]
            put(ACCOUNT, ContactList(name=name, contacts=tuple(members)))

    def begin(self) -> None:
        """Asks for what is under way when one begins to watch, and for what is still to come."""
        self.examples["direct"] = self._send("sms", "everyone")
        self.examples["steps"] = self._series()
        self.examples["group"] = self._alert()
        self._send("email", "regulars", hours=8)
        self._run("Onboarding", "newcomers", "Onboarding, begun earlier", hours=-2)
        self._run("Onboarding", "newcomers", "Onboarding, later", hours=1)
        self._run("Price Alert", "watchers", "Price Alert, tonight", hours=5)

    def more(self) -> None:
        """Asks for one thing more."""
        next(self._turns)()

    def _offer(self) -> str:
        return self._send(next(self._channels), "regulars")

    def _series(self) -> str:
        """Steps of which the first is due at once, the second so many seconds later.

        Delays are whole minutes, so the series began a little less than a minute ago.
        """
        return self._run("Onboarding", "newcomers", hours=(DUE_STEP - 60) / 3600)

    def _alert(self) -> str:
        return self._run("Price Alert", "watchers")

    def _send(self, channel: str, name: str, hours: float = 0) -> str:
        request = Send(
            channel=channel,
            template_key="offer",
            list_name=name,
            scheduled_at=self._library._now() + timedelta(hours=hours) if hours else None,
        )
        return self._library.send(ACCOUNT, request).trigger_id

    def _run(self, workflow: str, name: str, title: str | None = None, hours: float = 0) -> str:
        request = WorkflowRun(
            workflow_name=workflow,
            list_name=name,
            campaign_name=title,
            scheduled_at=self._library._now() + timedelta(hours=hours) if hours else None,
        )
        return self._library.run(ACCOUNT, request).trigger_id


def _template(key: str, channel: str) -> Template:
    """A template. As an SMS it has a variant for each country: in Germany it costs more, in India it may not go yet."""
    text, price = _TEXTS[key], PRICES[channel]
    if channel == "sms":
        variants = [
            TemplateVariant(
                country=country,
                approved=country != "IN",
                text=text,
                price=price * 9 if country == "DE" else price,
                price_per="segment",
            )
            for country in COUNTRIES
        ]
    else:
        subject = "For you" if channel == "email" else None
        variants = [TemplateVariant(approved=True, subject=subject, text=text, price=price)]
    return Template(key=key, channel=channel, variants=tuple(variants), currency=CURRENCY)
