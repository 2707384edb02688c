"""Whether an e-mail address or a phone number is one, how it is written, and which country it is of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any, Final

from trigger_core.errors import MissingExtra

_E164: Final = re.compile(r"\+[1-9](?:[ -]?[0-9]){6,14}")
"""Also with a blank or a hyphen between digits."""

_KINDS: Final = (
    "mobile",
    "fixed_line",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
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
    return (_E164.fullmatch(number) and _looked_up(number)) or _parsed(phonenumbers, number, country)


def _parsed(phonenumbers: Any, number: str, country: str | None) -> tuple[str | None, str | None]:
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return None, None
    region = phonenumbers.region_code_for_number(parsed)
    if region is None or parsed.extension or not phonenumbers.is_valid_number_for_region(parsed, region):
        return None, None
    text: str = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return text, None if region == "001" else region


def _looked_up(number: str) -> tuple[str | None, str | None] | None:
    """What the parser makes of a number that is written as E.164, by the same metadata in a tenth of the time.

    None where only the parser can tell: there is no such country code, or the first digits after it may be a prefix
    that isn't part of the number.
    """
    number = number.replace(" ", "").replace("-", "")
    for end in (2, 3, 4):
        if (plan := _plan(number[1:end])) is not None:
            break
    else:
        return None
    code, prefix, regions = plan
    rest = number[end:]
    if rest[0] == "0" or (prefix is not None and prefix.match(rest)):
        return None
    for region, leading in regions:
        if leading is None or leading.match(rest):
            if _is_valid(code, region, rest):
                return number, None if region == "001" else region
            if leading is not None:
                break
    return None, None


_Plan = tuple[int, re.Pattern[str] | None, tuple[tuple[str, re.Pattern[str] | None], ...]]
"""A country code, the prefix that is dialled within it, and its regions, each with the first digits that tell it."""


@cache
def _plan(digits: str) -> _Plan | None:
    """The numbering plan of a country code, if it is one."""
    phonenumbers, code = _phonenumbers(), int(digits)
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code)
    if regions is None:
        return None
    about = [_about(code, region) for region in regions]
    prefix = about[0].national_prefix_for_parsing
    leading = [one.leading_digits if len(about) > 1 else None for one in about]
    return (
        code,
        re.compile(prefix) if prefix else None,
        tuple(
            (region, re.compile(text) if text else None)
            for region, text in zip(regions, leading, strict=True)
        ),
    )


def _about(code: int, region: str) -> Any:
    return _phonenumbers().PhoneMetadata.metadata_for_region_or_calling_code(code, region)


def _is_valid(code: int, region: str, rest: str) -> bool:
    """Whether a number without its country code is one of a region's."""
    general, *kinds = _patterns(code, region)
    size = len(rest)
    return (
        (not general[0] or size in general[0])
        and general[1](rest) is not None
        and any((not sizes or size in sizes) and matches(rest) for sizes, matches in kinds)
    )


@cache
def _patterns(code: int, region: str) -> Sequence[tuple[tuple[int, ...], Callable[[str], object]]]:
    """How long a region's numbers are, and what they look like: first all, then each kind."""
    about = _about(code, region)
    kinds = [getattr(about, kind) for kind in _KINDS]
    if about.same_mobile_and_fixed_line_pattern:
        kinds = kinds[1:]
    return [
        (kind.possible_length, re.compile(kind.national_number_pattern or "(?!)").fullmatch)
        for kind in (about.general_desc, *kinds)
        if kind is not None
    ]


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
