"""How many SMS segments a text takes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = frozenset("\f^{}\\[~]|€")
_GSM7: Final = _BASIC | _EXTENSION
_is_basic: Final = re.compile(f"[{re.escape(''.join(sorted(_BASIC)))}]*").fullmatch


def segments(text: str) -> int:
    r"""The segments that carriers send and bill for a text.

    A text of the GSM 7-bit alphabet has room for 160 characters, or 153 in each of several segments; those of its
    extension table take two places. Any other text is sent as UCS-2: 70 places, then 67, where a character beyond
    U+FFFF takes two. What takes two places is never split.

    >>> segments("a" * 160), segments("a" * 161), segments("[" * 81), segments("ç" * 70), segments("😀" * 36)
    (1, 2, 2, 1, 2)
    """
    if _is_basic(text):
        return 1 if len(text) <= 160 else -(-len(text) // 153)
    if _GSM7.issuperset(text):
        return _parts([2 if character in _EXTENSION else 1 for character in text], 160, 153)
    return _parts([2 if character > "\uffff" else 1 for character in text], 70, 67)


def _parts(widths: list[int], alone: int, each: int) -> int:
    total = sum(widths)
    if total <= alone:
        return 1
    if total == len(widths):
        return -(-total // each)
    return _packed(widths, each)


def _packed(widths: Iterable[int], each: int) -> int:
    parts, used = 1, 0
    for width in widths:
        if used + width > each:
            parts, used = parts + 1, 0
        used += width
    return parts
