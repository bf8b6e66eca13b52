"""Russian dates, years, centuries and times of day: ordinals in the case the sentence asks for."""

from __future__ import annotations

import re

from tacotron2.text.russian.abbreviations import stop_after
from tacotron2.text.russian.numbers import cardinal, ordinal, set_apart

_MONTHS = (
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
)
_ROMAN = {"I": 1, "V": 5, "X": 10}
# The case that a preposition asks of the year or century after it; without one, the nominative.
_CASE_AFTER = dict.fromkeys(("в", "во", "о", "об"), "p")
_CASE_AFTER |= dict.fromkeys(("с", "до", "от", "после", "около", "из", "для"), "g")
_CASE_AFTER |= dict.fromkeys(("к", "по"), "d")
_CASE_AFTER |= dict.fromkeys(("перед", "между"), "i")
_YEAR_WORDS = {"n": "год", "g": "года", "d": "году", "i": "годом", "p": "году", "a": "год"}
_YEARS_WORDS = {"n": "годы", "g": "годов", "d": "годам", "i": "годами", "p": "годах", "a": "годы"}
_CENTURY_WORDS = {"n": "век", "g": "века", "d": "веку", "i": "веком", "p": "веке", "a": "век"}

_MONTH = "|".join(_MONTHS)
_BEFORE = rf"(?:(?<!\w)(?P<before>{'|'.join(sorted(_CASE_AFTER, key=len, reverse=True))})\s+)?"
_DATE = re.compile(
    r"(?<![\w.,])(?P<day>0?[1-9]|[12][0-9]|3[01])\.(?P<month>0[1-9]|1[0-2])\.(?P<year>[12][0-9]{3})(?!\w)"
    r"(?:\s*(?:года|г\.))?"
)
_DAY_SPAN = re.compile(
    rf"(?<!\w)([Сс])\s+([1-9]|[12][0-9]|3[01])\s+по\s+([1-9]|[12][0-9]|3[01])(?=\s+(?:{_MONTH})(?!\w))"
)
_DAY_OF_MONTH = re.compile(
    rf"(?<![\w.,])(?P<day>0?[1-9]|[12][0-9]|3[01])\s+(?P<month>{_MONTH})(?!\w)"
    r"(?:\s+(?P<year>[12][0-9]{3})(?![0-9])(?P<word>\s*(?:года|г\.))?)?",
    re.IGNORECASE,
)
_MONTH_OF_YEAR = re.compile(
    r"(?P<month>(?:январ|феврал|март|апрел|ма|июн|июл|август|сентябр|октябр|ноябр|декабр)[а-я]{0,3})\s+"
    r"(?P<year>[12][0-9]{3})\s*(?:года|г\.)",
    re.IGNORECASE,
)
_YEAR_WORD = r"год(?:ами|ах|ам|ов|ом|ы|а|у)?(?!\w)|гг\.|г\."
_YEAR = re.compile(
    rf"{_BEFORE}(?<![\w.,])(?P<year>[1-9][0-9]{{2,3}})(?:(?P<dash>\s?-\s?)(?P<to>[1-9][0-9]{{2,3}}))?"
    rf"\s*(?P<word>{_YEAR_WORD})",
    re.IGNORECASE,
)
_YEAR_SPAN = re.compile(r"(?<!\w)([Сс])\s+([12][0-9]{3})\s+(?P<to>по|до)\s+(?=[12][0-9]{3}(?![0-9]))")
_CENTURY = re.compile(rf"{_BEFORE}(?<!\w)(?P<roman>[IVX]+)\s*(?P<word>век(?:а|у|ом|е)?(?!\w)|в\.)")
_CLOCK = re.compile(r"(?<![0-9:.,])([01]?[0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9]))?(?![0-9:])")


def expand_dates(text: str) -> str:
    """Write dates, years, centuries and times of day out."""
    text = _DATE.sub(_say_date, text)
    text = _DAY_SPAN.sub(_say_day_span, text)
    text = _DAY_OF_MONTH.sub(_say_day, text)
    text = _MONTH_OF_YEAR.sub(_say_month_of_year, text)
    text = _YEAR_SPAN.sub(lambda match: f"{match[1]} {ordinal(match[2], 'm', 'g')} {match['to']} ", text)
    text = _YEAR.sub(_say_year, text)
    text = _CENTURY.sub(_say_century, text)
    return _CLOCK.sub(_say_clock, text)


def _year_in_genitive(digits: str) -> str:
    return ordinal(digits, "m", "g")


def _say_date(match: re.Match[str]) -> str:
    month = _MONTHS[int(match["month"]) - 1]
    words = f"{ordinal(match['day'], 'n', 'g')} {month} {_year_in_genitive(match['year'])} года"
    return set_apart(match, words + stop_after(match))


def _say_day_span(match: re.Match[str]) -> str:
    return f"{match[1]} {ordinal(match[2], 'n', 'g')} по {ordinal(match[3], 'n', 'a')}"


def _say_day(match: re.Match[str]) -> str:
    words = [ordinal(match["day"], "n", "g"), match["month"]]
    if match["year"]:
        words += [_year_in_genitive(match["year"])] + (["года"] if match["word"] else [])
    return set_apart(match, " ".join(words) + stop_after(match))


def _say_month_of_year(match: re.Match[str]) -> str:
    return f"{match['month']} {_year_in_genitive(match['year'])} года{stop_after(match)}"


def _case_of_word(word: str, before: str) -> str:
    """The case of a year written out by its form; of an abbreviation by the preposition before it."""
    after = _CASE_AFTER.get(before, "n")
    if word.endswith("."):
        return after
    forms = {"год": "n", "года": "g", "годом": "i", "годы": "n", "годов": "g", "годам": "d"}
    forms |= {"годами": "i", "годах": "p", "век": "n", "века": "g", "веку": "d", "веком": "i", "веке": "p"}
    # "году" is the dative, and after "в" the prepositional.
    return forms.get(word, "d" if after == "d" else "p")


def _say_year(match: re.Match[str]) -> str:
    word, before = match["word"].lower(), (match["before"] or "").lower()
    counts = word.startswith("год") or (word == "г." and before != "в")
    if len(match["year"]) < 4 and counts:
        return match[0]  # "300 годов", "100 г." count years or grams
    if len(match["year"]) == 4 and not match["to"] and word in ("годов", "годам", "годами"):
        return match[0]
    case = _case_of_word(word, before)
    said = ordinal(match["year"], "m", case)
    if match["to"]:
        said += f" - {ordinal(match['to'], 'm', case)}"
    if word.endswith("."):
        word = (_YEARS_WORDS if word == "гг." or match["to"] else _YEAR_WORDS)[case] + stop_after(match)
    lead = f"{match['before']} " if match["before"] else ""
    return set_apart(match, f"{lead}{said} {word}")


def _say_century(match: re.Match[str]) -> str:
    number, largest = 0, 0
    for letter in reversed(match["roman"]):
        value = _ROMAN[letter]
        number += value if value >= largest else -value
        largest = max(largest, value)
    word, before = match["word"], (match["before"] or "").lower()
    case = _case_of_word(word, before)
    if word.endswith("."):
        word = _CENTURY_WORDS[case] + stop_after(match)
    lead = f"{match['before']} " if match["before"] else ""
    return set_apart(match, f"{lead}{ordinal(str(max(number, 1)), 'm', case)} {word}")


def _say_clock(match: re.Match[str]) -> str:
    hour, minute = int(match[1]), int(match[2])
    words = [cardinal(str(hour))]
    if minute:
        words.append(cardinal(str(minute)) if minute > 9 else f"ноль {cardinal(str(minute))}")
    else:
        one, few = hour % 10 == 1 and hour != 11, hour % 10 in (2, 3, 4) and hour not in (12, 13, 14)
        words.append("час" if one else "часа" if few else "часов")
    if match[3]:
        words.append(cardinal(str(int(match[3]))) if int(match[3]) > 9 else f"ноль {cardinal(match[3][1])}")
    return set_apart(match, " ".join(words))
