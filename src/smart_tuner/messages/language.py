"""The languages of messages, and how each writes numbers, sizes, durations and plurals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

NO_BREAK_SPACE = "\u00a0"
"""Parts groups of digits, and a number from its percent sign, in Russian; older terminals know it too."""

_RUSSIAN_NUMBERS = str.maketrans({",": NO_BREAK_SPACE, ".": ",", "%": f"{NO_BREAK_SPACE}%"})
_SIZES = {"MiB": (2**20, ",.0f", "МиБ"), "GiB": (2**30, ",.1f", "ГиБ")}


class Language(StrEnum):
    """The language of what people read."""

    EN = "en"
    RU = "ru"


def number(value: float, spec: str, language: Language) -> str:
    """A number by a format specification of Python, with the marks of the language.

    12345.6 with `,.1f` is `12,345.6` in English and `12 345,6` in Russian.
    """
    text = format(value, spec)
    return text.translate(_RUSSIAN_NUMBERS) if language is Language.RU else text


def plural(count: float, forms: Sequence[str], language: Language) -> str:
    """The form of a word that goes with a number.

    Args:
        forms: in English (1 step, 2 steps); in Russian (1 шаг, 2 шага, 5 шагов).
    """
    if language is Language.EN:
        return forms[0] if count == 1 else forms[1]
    if isinstance(count, float):  # 2,50 шага; whole numbers come as int
        return forms[1]
    ones, tens = abs(count) % 10, abs(count) % 100
    if ones == 1 and tens != 11:
        return forms[0]
    return forms[1] if 2 <= ones <= 4 and not 12 <= tens <= 14 else forms[2]


def size(num_bytes: float, unit: str, language: Language) -> str:
    """`2.5 GiB`, `2,5 ГиБ`; MiB without a fraction."""
    factor, spec, russian = _SIZES[unit]
    return f"{number(num_bytes / factor, spec, language)} {russian if language is Language.RU else unit}"


def is_size(spec: str) -> bool:
    """Whether a specification names a unit of `size`."""
    return spec in _SIZES


def duration(seconds: float, language: Language) -> str:
    """`45 s`, `12 min`, `3 h 20 min`; `45 с`, `12 мин`, `3 ч 20 мин`."""
    hour, minute, second = ("ч", "мин", "с") if language is Language.RU else ("h", "min", "s")
    if seconds < 90:
        return f"{math.ceil(seconds)} {second}"
    minutes = round(seconds / 60)
    return f"{minutes} {minute}" if minutes < 90 else f"{minutes // 60} {hour} {minutes % 60} {minute}"
