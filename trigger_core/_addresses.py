"""Whether an e-mail address or a phone number is one, how it is written, and which country it is of."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, Final

from trigger_core.errors import MissingExtra

_PLAIN: Final = re.compile(r"(?=.{1,64}@)([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@([A-Za-z0-9.-]+)")


def email(address: str) -> str | None:
    """The normalised address; None where it is none. Nothing is looked up on the network.

    >>> email("user@EXAMPLE.org"), email("user@localhost")
    ('user@example.org', None)
    """
    plain = _PLAIN.fullmatch(address)
    if plain is not None and len(address) <= 254:
        local, domain = plain.groups()
        normalised = _domain(domain)
        return normalised and f"{local}@{normalised}"
    return _checked_email(address)


@lru_cache(20_000)
def _domain(domain: str) -> str | None:
    checked = _checked_email(f"x@{domain}")
    return checked and checked.partition("@")[2]


def _checked_email(address: str) -> str | None:
    validate, invalid = _email_validator()
    try:
        normalised: str = validate(address, check_deliverability=False).normalized
    except invalid:
        return None
    return normalised


def phone_number(number: str, country: str | None) -> tuple[str | None, str | None]:
    """The number as E.164 and its country; both None where it is none that could be called.

    Args:
        number: with its country code, or as it is dialled within ``country``.
        country: where a number without a country code is dialled.

    >>> phone_number("+91 84894 62530", None), phone_number("084894 62530", "IN"), phone_number("12345", None)
    (('+918489462530', 'IN'), ('+918489462530', 'IN'), (None, None))
    """
    phonenumbers = _phonenumbers()
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return None, None
    region = phonenumbers.region_code_for_number(parsed)
    if region is None or parsed.extension or not phonenumbers.is_valid_number_for_region(parsed, region):
        return None, None
    text: str = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return text, None if region == "001" else region


@cache
def _email_validator() -> tuple[Any, type[Exception]]:
    try:
        from email_validator import EmailNotValidError, validate_email
    except ImportError:
        raise MissingExtra("e-mail addresses", "send") from None
    return validate_email, EmailNotValidError


@cache
def _phonenumbers() -> Any:
    try:
        import phonenumbers
    except ImportError:
        raise MissingExtra("phone numbers", "send") from None
    return phonenumbers
