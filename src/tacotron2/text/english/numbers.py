"""English numbers: cardinals, decimals, ordinals, years, decades, fractions, ranges, dates."""

from __future__ import annotations

import re

# A number with optional thousands separators and decimals; ".5" counts.
AMOUNT = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|(?<![\w.])\.[0-9]+"
AMOUNT = f"(?:{AMOUNT})"

# Longer ones are codes, not quantities: nobody says them as a number.
_MAX_DIGITS = 15
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DENOMINATORS = {
    2: ("half", "halves"),
    3: ("third", "thirds"),
    4: ("quarter", "quarters"),
    5: ("fifth", "fifths"),
    6: ("sixth", "sixths"),
    8: ("eighth", "eighths"),
    10: ("tenth", "tenths"),
}

_PHONE = re.compile(r"(?<![\w-])(?:[0-9]{3}-)?[0-9]{3}-[0-9]{4}(?![\w-])", re.ASCII)
_ISO_DATE = re.compile(r"(?<![\w-])([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(?![\w-])", re.ASCII)
_DAY_AFTER_MONTH = re.compile(
    rf"\b({_MONTHS})\s+([1-9]|[12][0-9]|3[01])(?![\w%:/°-]|[.,][0-9])(?!\s(?:percent|million|thousand))",
    re.ASCII,
)
_DAY_BEFORE_MONTH = re.compile(
    rf"(?<![\w.,:/-])([Tt]he\s+)?([1-9]|[12][0-9]|3[01])\s+({_MONTHS})\b", re.ASCII
)
_ORDINAL = re.compile(r"(?<![0-9.])([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:st|nd|rd|th)\b", re.ASCII | re.I)
_DECADE = re.compile(r"(?<![\w.,])'?((?:1[1-9]|20)?[1-9]0|(?:1[1-9]|20)00)'?s\b", re.ASCII)
_FRACTION = re.compile(
    r"(?<![0-9/.,])(?:([0-9]+)[\s-])?([1-9][0-9]?)/([1-9][0-9]?)(?![0-9/]|\.[0-9])", re.ASCII
)
_RANGE = re.compile(rf"(?<![\w.,/-])({AMOUNT})(\s*-\s*)({AMOUNT})(?![\w/-])", re.ASCII)
_MINUS = re.compile(r"(?<![^\s(\"'])-(?=\.?[0-9])", re.ASCII)
_RATIO = re.compile(r"(?<=[0-9]):(?=[0-9])", re.ASCII)
_NUMBER = re.compile(
    r"(?=[0-9]|(?<![\w.])\.[0-9])([0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)?((?:\.[0-9]+)*)(s\b)?", re.ASCII
)


def expand_numbers(text: str) -> str:
    """Write every number of `text` out."""
    text = _PHONE.sub(lambda match: ", ".join(_digits(part) for part in match[0].split("-")), text)
    text = _ISO_DATE.sub(_open_date, text)
    text = _DAY_AFTER_MONTH.sub(lambda match: f"{match[1]} {ordinal(match[2])}", text)
    text = _DAY_BEFORE_MONTH.sub(lambda match: f"{match[1] or 'the '}{ordinal(match[2])} of {match[3]}", text)
    text = _ORDINAL.sub(lambda match: set_apart(match, ordinal(match[1].replace(",", ""))), text)
    text = _DECADE.sub(lambda match: _plural(_year_or_cardinal(match[1])), text)
    text = _FRACTION.sub(_say_fraction, text)
    text = _RANGE.sub(_open_range, text)
    text = _MINUS.sub("minus ", text)
    text = _RATIO.sub(" to ", text)
    return _NUMBER.sub(_say_number, text)


def cardinal(digits: str) -> str:
    """The whole number `digits` in words; digit by digit when it starts with 0 or is very long."""
    if len(digits) > _MAX_DIGITS or (len(digits) > 1 and digits[0] == "0"):
        return _digits(digits)
    return _words(int(digits), "cardinal")


def ordinal(digits: str) -> str:
    """The ordinal of the number written in `digits`: "21" is twenty-first."""
    if len(digits) > _MAX_DIGITS:
        return f"{_digits(digits)}th"
    return _words(int(digits), "ordinal")


def say_amount(amount: str) -> str:
    """A text that matches `AMOUNT`, as a quantity (never as a year)."""
    whole, _, decimals = amount.replace(",", "").partition(".")
    words = [cardinal(whole)] if whole else []
    return " ".join(words + (["point", _digits(decimals)] if decimals else []))


def set_apart(match: re.Match[str], words: str) -> str:
    """`words` in place of `match`, with a space towards a letter or digit next to it."""
    start, end = match.span()
    left = " " if match.string[max(start - 1, 0) : start].isalnum() else ""
    right = " " if match.string[end : end + 1].isalnum() else ""
    return f"{left}{words}{right}"


def _words(number: int, kind: str) -> str:
    # Imported here: the package loads every language it knows, which only callers with numbers should pay.
    from num2words import num2words

    # Its thousands commas would be heard as pauses.
    return str(num2words(number, lang="en", to=kind)).replace(",", "")


def _digits(digits: str) -> str:
    return " ".join(_words(int(digit), "cardinal") for digit in digits)


def _year_or_cardinal(digits: str) -> str:
    is_year = len(digits) == 4 and 1000 < int(digits) < 2100
    return _words(int(digits), "year") if is_year else cardinal(digits)


def _plural(words: str) -> str:
    if words.endswith("y"):
        return f"{words[:-1]}ies"
    return f"{words}es" if words.endswith("x") else f"{words}s"


def _say_fraction(match: re.Match[str]) -> str:
    numerator, denominator = int(match[2]), int(match[3])
    if numerator >= denominator or denominator not in _DENOMINATORS:
        return match[0]
    part = f"{cardinal(match[2])} {_DENOMINATORS[denominator][numerator > 1]}"
    return set_apart(match, f"{cardinal(match[1])} and {part}" if match[1] else part)


def _open_date(match: re.Match[str]) -> str:
    return f"{_MONTHS.split('|')[int(match[2]) - 1]} {int(match[3])}, {match[1]}"


def _open_range(match: re.Match[str]) -> str:
    """A hyphen between numbers says "to"; a spaced one may be a dash, unless the numbers rise."""
    low, high = (float(match[group].replace(",", "")) for group in (1, 3))
    return f"{match[1]} to {match[3]}" if match[2] == "-" or low < high else match[0]


def _say_number(match: re.Match[str]) -> str:
    whole, decimals, plural = match[1] or "", match[2], match[3]
    if decimals:
        # Several points are a version number: each part after the first is read digit by digit.
        first = [cardinal(whole.replace(",", ""))] if whole else []
        words = " ".join(first + [f"point {_digits(part)}" for part in decimals[1:].split(".")])
    else:
        words = cardinal(whole.replace(",", "")) if "," in whole else _year_or_cardinal(whole)
    return set_apart(match, _plural(words) if plural else words)
