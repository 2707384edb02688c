"""Whom the demo knows: contacts of several countries, some of whom can't be reached on some channel."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from attrs import frozen

from trigger_core.catalog import Contact

ACCOUNT: Final = "demo"
CURRENCY: Final = "USD"
PRICES: Final = {"email": Decimal("0.0001"), "sms": Decimal("0.0079"), "whatsapp": Decimal("0.0147")}
PEOPLE: Final = 2400

COUNTRIES: Final = {
    "US": "+1415555",
    "IN": "+91848940",
    "GB": "+44207946",
    "BR": "+551198765",
    "DE": "+491512345",
}
"""How four-digit phone numbers begin there."""

_PLACES: Final = tuple(COUNTRIES)
_NAMES: Final = ("Ada", "Bo", "Chen", "Dana", "Eli", "Fatima", "Gita", "Hugo", "Ines", "João")
_KNOWN: Final = {100 + 5 * digit: f"+1500555000{digit}" for digit in (1, 2, 3, 4, 5, 8, 9)}
"""Some have numbers of which the sandbox knows what becomes."""


@frozen
class Person:
    """Somebody, by number.

    >>> Person(0).address("sms"), Person(1).country
    ('+14155550000', 'IN')
    """

    number: int

    @property
    def external_id(self) -> str:
        """What the demo calls them."""
        return f"user_{self.number}"

    @property
    def country(self) -> str:
        """Where they are."""
        return _PLACES[self.number % len(_PLACES)]

    def address(self, channel: str) -> str:
        """Where they are reached, if nothing is wrong."""
        if channel == "email":
            return f"user{self.number}@example.com"
        return f"{COUNTRIES[self.country]}{self.number:04}"

    def contact(self) -> Contact:
        """What is known of them. One in five or so has something that keeps messages from them on some channel."""
        number = self.number
        email: str | None = self.address("email")
        phone_number: str | None = _KNOWN.get(number, self.address("sms"))
        opted_out = [
            channel for channel, n in (("email", 41), ("sms", 37), ("whatsapp", 43)) if number % n == 7
        ]
        if number % 53 == 7:
            phone_number = None
        elif number % 97 == 7:
            phone_number = "12345"
        elif number % 101 == 7:
            phone_number = Person(number - 5).address("sms")
        if number % 59 == 7:
            email = None
        elif number % 89 == 7:
            email = f"user{number} at example.com"
        elif number % 31 == 7:
            email = f"bounce+{number}@simulator.amazonses.com"
        elif number % 211 == 7:
            email = f"complaint+{number}@simulator.amazonses.com"
        return Contact(
            external_id=self.external_id,
            email=email,
            phone_number=phone_number,
            country=self.country,
            opted_out=tuple(opted_out),
            attributes={} if number % 223 == 7 else {"first_name": _NAMES[number % len(_NAMES)]},
        )
