"""English abbreviations. Most need their full stop and their capital, so that ordinary words stay."""

from __future__ import annotations

import re

# Always followed by what they belong to: the full stop never ends a sentence.
_BEFORE_NAME = {
    "Mr": "mister",
    "Mrs": "missus",
    "Ms": "miz",
    "Messrs": "messieurs",
    "Prof": "professor",
    "Rev": "reverend",
    "Hon": "honorable",
    "Gen": "general",
    "Col": "colonel",
    "Maj": "major",
    "Capt": "captain",
    "Lt": "lieutenant",
    "Sgt": "sergeant",
    "Gov": "governor",
    "Sen": "senator",
    "Rep": "representative",
    "Pres": "president",
    "Mt": "mount",
    "Ft": "fort",
}
# May close a sentence: the full stop stays where one ends.
_AFTER_NAME = {
    "Jr": "junior",
    "Sr": "senior",
    "Esq": "esquire",
    "Ave": "avenue",
    "Blvd": "boulevard",
    "Rd": "road",
    "Co": "company",
    "Corp": "corporation",
    "Inc": "incorporated",
    "Ltd": "limited",
    "Bros": "brothers",
    "Dept": "department",
    "Univ": "university",
}
_BEFORE_NUMBER = {
    "no": "number",
    "nos": "numbers",
    "vol": "volume",
    "ch": "chapter",
    "fig": "figure",
    "sec": "section",
    "p": "page",
    "pp": "pages",
    "ca": "circa",
}
_MONTHS = {
    "Jan": "January",
    "Feb": "February",
    "Mar": "March",
    "Apr": "April",
    "Jun": "June",
    "Jul": "July",
    "Aug": "August",
    "Sep": "September",
    "Sept": "September",
    "Oct": "October",
    "Nov": "November",
    "Dec": "December",
}
_ANY_CASE = {
    "etc.": "et cetera",
    "e.g.": "for example",
    "i.e.": "that is",
    "vs.": "versus",
    "viz.": "namely",
    "cf.": "compare",
    "approx.": "approximately",
    "a.m.": "a m",
    "p.m.": "p m",
    "ph.d.": "p h d",
}
_SENTENCE_OPENERS = (
    "A|An|And|At|But|By|For|He|His|Her|I|If|In|It|On|She|So|That|The|Then|There|They|This|We|When"
)


def _one_of(words: dict[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_SENTENCE_ENDS = re.compile(r"[\"')]*(?:\s+[\"'(]*[A-Z]|\s*$)")
_NAMES_BEFORE = re.compile(rf"\b({_one_of(_BEFORE_NAME)})\.\s*(?=\S)")
_BARE_TITLES = re.compile(r"\b(Mr|Mrs|Ms)(?=\s+[A-Z])")
_NAMES_AFTER = re.compile(rf"\b({_one_of(_AFTER_NAME)})\.")
_NUMBERS_AFTER = re.compile(rf"\b({_one_of(_BEFORE_NUMBER)})\.\s?(?=[0-9])", re.IGNORECASE)
_MONTHS_SHORT = re.compile(rf"\b({_one_of(_MONTHS)})\.\s?(?=[0-9])")
_FIXED = re.compile(rf"(?<![A-Za-z])({_one_of(_ANY_CASE)})(?![a-z])", re.IGNORECASE)
_SAINT_OR_STREET = re.compile(r"\bSt\.")
_DOCTOR_OR_DRIVE = re.compile(r"\bDr\b\.?")
_ADDRESS_BEFORE = re.compile(r"(?:[0-9](?:st|nd|rd|th)|[0-9]\s+[A-Z][a-z]+(?:\s+[A-Z][a-z]+){0,2})\s+$")
_MAX_ADDRESS = 80  # characters looked back over; keeps the search linear in long texts
_NAME_BEFORE = re.compile(r"\b[A-Z][a-z]+\s+$")
_NAME_AFTER = re.compile(r"\s*[A-Z]")
_SENTENCE_AFTER = re.compile(rf"\s+(?:{_SENTENCE_OPENERS})\b")


def expand_abbreviations(text: str) -> str:
    """Write abbreviations out; the full stop that also ends a sentence stays."""
    text = _FIXED.sub(_say_fixed, text)
    text = _SAINT_OR_STREET.sub(lambda match: _title_or_place(match, "saint", "street"), text)
    text = _DOCTOR_OR_DRIVE.sub(lambda match: _title_or_place(match, "doctor", "drive"), text)
    text = _NAMES_BEFORE.sub(lambda match: f"{_BEFORE_NAME[match[1]]} ", text)
    text = _BARE_TITLES.sub(lambda match: _BEFORE_NAME[match[1]], text)
    text = _NAMES_AFTER.sub(lambda match: _AFTER_NAME[match[1]] + _stop_after(match), text)
    text = _NUMBERS_AFTER.sub(lambda match: f"{_BEFORE_NUMBER[match[1].lower()]} ", text)
    return _MONTHS_SHORT.sub(lambda match: f"{_MONTHS[match[1]]} ", text)


def _say_fixed(match: re.Match[str]) -> str:
    after_digit = match.string[max(match.start() - 1, 0) : match.start()].isdigit()
    return f"{' ' if after_digit else ''}{_ANY_CASE[match[1].lower()]}{_stop_after(match)}"


def _stop_after(match: re.Match[str]) -> str:
    """The full stop of a matched abbreviation, where it also ends a sentence."""
    return "." if match[0].endswith(".") and _SENTENCE_ENDS.match(match.string, match.end()) else ""


def _title_or_place(match: re.Match[str], title: str, place: str) -> str:
    """`title` before a name, `place` after one; an address or the next sentence decides between names."""
    before = match.string[max(match.start() - _MAX_ADDRESS, 0) : match.start()]
    named_before = _NAME_BEFORE.search(before) is not None
    in_address = _ADDRESS_BEFORE.search(before) is not None
    sentence_follows = named_before and _SENTENCE_AFTER.match(match.string, match.end()) is not None
    named_after = _NAME_AFTER.match(match.string, match.end()) is not None and not sentence_follows
    if not in_address and (named_after or not named_before):
        return title if match.string[match.end() : match.end() + 1].isspace() else f"{title} "
    ends_sentence = sentence_follows or match.end() == len(match.string)
    return f"{place}." if ends_sentence and match[0].endswith(".") else place
