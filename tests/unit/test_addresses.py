"""Phone numbers that are written as E.164 are told without the parser, and as it would tell them."""

from collections.abc import Iterator
from random import Random

import phonenumbers
import pytest

from trigger_core import _addresses

REGIONS = (None, "US", "AR", "IT", "ZZ")


def examples() -> Iterator[str]:
    """A number of each kind in each region."""
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            about = _addresses._about(code, region)
            for kind in _addresses._KINDS:
                if (one := getattr(about, kind)) is not None and one.example_number:
                    yield f"+{code}{one.example_number}"


def altered(number: str, dice: Random) -> str:
    """A number with some digits changed, put in or left out, or with others behind its first ones."""
    digits = list(number)
    if dice.random() < 0.2:
        return number[: dice.randint(2, 6)] + "".join(dice.choices("0123456789", k=dice.randint(4, 10)))
    for _ in range(dice.randint(1, 3)):
        place = dice.randrange(1, len(digits))
        digits[place : place + dice.choice((0, 1, 1, 1))] = dice.choices(
            "0123456789", k=dice.choice((0, 1, 1, 1))
        )
    if dice.random() < 0.3:
        digits = [f"{digit}{dice.choice(('', '', ' ', '-'))}" for digit in digits]
    return "".join(digits).strip(" -")


@pytest.mark.parametrize("times", [1, pytest.param(50, marks=pytest.mark.deep)])
def test_numbers_are_told_as_the_parser_tells_them(times: int) -> None:
    """A number is taken or refused, and its country told, as by the parser, whatever country it is said to be of."""
    dice = Random(times)
    told = 0
    for example in examples():
        for number in (example, *(altered(example, dice) for _ in range(times))):
            if _addresses._E164.fullmatch(number) and (found := _addresses._looked_up(number)) is not None:
                told += 1
                assert found == _addresses._parsed(phonenumbers, number, dice.choice(REGIONS)), number
    assert told > 500 * times
