"""SMS segments."""

import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st

from trigger_core._segments import segments

GSM7 = "abc xyzÇ@£Δ\n"
alphabets = st.sampled_from([GSM7, f"{GSM7}^{{}}\\[~]|€", "[]", f"{GSM7}ç", "aç😀", "😀", "👍🏽\u200d\u0301"])
texts = alphabets.flatmap(
    lambda alphabet: st.text(st.sampled_from(alphabet), min_size=1, max_size=30)
).flatmap(lambda part: st.integers(1, 40).map(lambda times: part * times))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("€" * 152, 2),
        ("€" * 153, 3),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("\f" * 80, 1),
        ("Ç" * 160, 1),
        ("ç" * 70, 1),
        ("ç" * 71, 2),
        ("ç" * 134, 2),
        ("ç" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),
        ("😀" * 67, 3),
    ],
)
def test_segments_at_their_limits(text: str, expected: int) -> None:
    """160 then 153 places of GSM-7, 70 then 67 of UCS-2; what takes two places is never split."""
    assert segments(text) == expected


@given(texts)
def test_segments_are_those_of_another_implementation(text: str) -> None:
    """The number of segments is what smsutil splits the text into."""
    assert segments(text) == len(smsutil.split(text).parts)


@given(st.text(st.characters(max_codepoint=0x2FFF), min_size=1, max_size=200))
def test_any_text_has_as_many_segments_as_elsewhere(text: str) -> None:
    """Whatever the characters, smsutil agrees about the alphabet and the number of segments."""
    assert segments(text) == len(smsutil.split(text).parts)
