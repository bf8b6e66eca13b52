"""English amounts with a unit: money, measures and times of day."""

from __future__ import annotations

import re

from tacotron2.text.english.numbers import AMOUNT, cardinal, say_amount, set_apart

# Singular and plural of the unit and of its hundredth part, where it has one.
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", None, None),
    "¢": ("cent", "cents", None, None),
}
_SCALES = {
    "k": "thousand",
    "m": "million",
    "mn": "million",
    "bn": "billion",
    "b": "billion",
    "tn": "trillion",
}
_UNITS = {
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "km": ("kilometer", "kilometers"),
    "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"),
    "kg": ("kilogram", "kilograms"),
    "mg": ("milligram", "milligrams"),
    "lbs": ("pound", "pounds"),
    "lb": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "ft": ("foot", "feet"),
    "Hz": ("hertz", "hertz"),
    "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"),
    "MB": ("megabyte", "megabytes"),
    "GB": ("gigabyte", "gigabytes"),
}

_SCALE = r"(?:[\s-]?(?P<scale>thousand|million|billion|trillion)\b|(?P<letter>k|mn?|bn?|tn)\b)?"
_MONEY_BEFORE = re.compile(
    rf"(?P<minus>(?<![\w)])-)?(?P<sign>[$£€¥])\s?(?P<amount>{AMOUNT})(?:\s?-\s?(?P=sign)?(?P<to>{AMOUNT}))?{_SCALE}",
    re.IGNORECASE | re.ASCII,
)
_MONEY_AFTER = re.compile(
    rf"(?P<minus>(?<![\w)])-)?(?<![0-9.,])(?P<amount>{AMOUNT})(?:\s?-\s?(?P<to>{AMOUNT}))?{_SCALE}\s?(?P<sign>[$£€¥¢])",
    re.IGNORECASE | re.ASCII,
)
_MEASURE = re.compile(
    rf"(?<![0-9.,])({AMOUNT})[\s-]?({'|'.join(sorted(_UNITS, key=len, reverse=True))})(?![\w/])", re.ASCII
)
_HALF_DAY = r"(?:\s?(?P<half>[ap])\s?m\b)"
_CLOCK = re.compile(
    r"(?<![0-9:.,])(?P<hour>[01]?[0-9]|2[0-4]):(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]))?(?![0-9:])"
    + _HALF_DAY
    + "?",
    re.IGNORECASE | re.ASCII,
)
_HOUR = re.compile(rf"(?<![0-9:.,])(?P<hour>1[0-2]|[1-9]){_HALF_DAY}", re.IGNORECASE | re.ASCII)


def expand_amounts(text: str) -> str:
    """Write money and times of day out, and the units of measures; their numbers are left to `numbers`."""
    text = _CLOCK.sub(_say_clock, text)
    text = _HOUR.sub(lambda match: set_apart(match, f"{cardinal(match['hour'])} {_half_day(match)}"), text)
    text = _MONEY_BEFORE.sub(_say_money, text)
    text = _MONEY_AFTER.sub(_say_money, text)
    return _MEASURE.sub(lambda match: f"{match[1]} {_UNITS[match[2]][match[1] != '1']}", text)


def _half_day(match: re.Match[str]) -> str:
    return f"{match['half'].lower()} m"


def _say_clock(match: re.Match[str]) -> str:
    words = [cardinal(str(int(match["hour"])))]
    minute = int(match["minute"])
    if minute:
        words.append(cardinal(str(minute)) if minute > 9 else f"oh {cardinal(str(minute))}")
    elif not match["half"]:
        words.append("o'clock")
    if match["second"]:
        second = int(match["second"])
        words.append(f"and {cardinal(str(second))} second{'s' if second != 1 else ''}")
    if match["half"]:
        words.append(_half_day(match))
    return set_apart(match, " ".join(words))


def _say_money(match: re.Match[str]) -> str:
    one, many, small_one, small_many = _CURRENCIES[match["sign"]]
    scale = match["scale"] or _SCALES.get((match["letter"] or "").lower(), "")
    whole, _, fraction = match["amount"].replace(",", "").partition(".")
    if small_one and small_many and len(fraction) == 2 and not scale and not match["to"]:
        words = _say_with_hundredths(int(whole or "0"), int(fraction), one, many, small_one, small_many)
    else:
        number = say_amount(match["amount"]) + (f" to {say_amount(match['to'])}" if match["to"] else "")
        single = match["amount"] == "1" and not scale and not match["to"]
        words = " ".join(filter(None, (number, scale.lower(), one if single else many)))
    return set_apart(match, f"minus {words}" if match["minus"] else words)


def _say_with_hundredths(
    whole: int, hundredths: int, one: str, many: str, small_one: str, small_many: str
) -> str:
    parts = []
    if whole or not hundredths:
        parts.append(f"{cardinal(str(whole))} {one if whole == 1 else many}")
    if hundredths:
        parts.append(f"{cardinal(str(hundredths))} {small_one if hundredths == 1 else small_many}")
    return " and ".join(parts)
