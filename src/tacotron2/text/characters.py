"""From any Unicode text to the characters a language reads, one character at a time.

The rules, first match wins:

1. a character the language reads stays as it is;
2. white space of any kind becomes a space;
3. `CHARACTER_TABLE`: dashes, quotes, brackets, ellipses, invisible characters;
4. `LETTER_TABLE`: Latin letters that no rule can derive (ß, æ, þ ...);
5. the Unicode compatibility decomposition (é -> e, ﬁ -> fi, full-width A -> A); a number sign such as ² or ½
   is set off by a space, so that it does not merge with the digits before it;
6. a letter Unicode names "LATIN SMALL LETTER X WITH ..." becomes x (ø, ł, đ ...), capitals alike;
7. an accent (U+0300 to U+0362) on a letter goes with the letter's reading; the combining letters above that
   range are letters and do not;
8. everything else is unreadable. So a letter is read or reported, never lost.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

_REPLACEMENTS = {
    # hyphen, non-breaking hyphen, figure dash, en dash, minus sign, hyphen bullet, middle dot, bullet
    "-": "\u2010\u2011\u2012\u2013\u2212\u2043\u00b7\u2022\ufe63",
    # em dash and horizontal bar stand between clauses: they keep words apart
    " - ": "\u2014\u2015\u2e3a\u2e3b\ufe58",
    # curly single quotes, low and reversed quote, prime, letter apostrophes, grave, acute
    "'": "\u2018\u2019\u201a\u201b\u2032\u2035\u02b9\u02bb\u02bc\u0060\u00b4",
    # curly double quotes, double primes, guillemets, Asian corner brackets
    '"': "\u201c\u201d\u201e\u201f\u2033\u2036\u02ba\u00ab\u00bb\u2039\u203a\u300c\u300d\u300e\u300f",
    "(": "[{\u27e8\u2329\u3008\u3010",
    ")": "]}\u27e9\u232a\u3009\u3011",
    "...": "\u2026\u22ef",
    "/": "\u2044\u2215",
    # opening exclamation and question marks: the closing one says the same
    # soft hyphen, zero-width characters, direction marks, byte order mark, variation selectors: invisible
    "": "\u00a1\u00bf\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\ufe0e\ufe0f",
}

CHARACTER_TABLE: Mapping[str, str] = MappingProxyType(
    {character: reading for reading, characters in _REPLACEMENTS.items() for character in characters}
)

LETTER_TABLE: Mapping[str, str] = MappingProxyType(
    {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ð": "th", "ŋ": "ng", "ı": "i", "ȷ": "j", "ĸ": "k", "ə": "e"}
)

_NAMED_BASE = re.compile(r"LATIN (SMALL|CAPITAL) LETTER ([A-Z]) WITH ")


class TextError(ValueError):
    """A text cannot be turned into symbols; the message says where, why and what would be right.

    `character` and `position` (index in the given text, from 0) name the culprit; for a text without any
    letter they are "" and None.
    """

    def __init__(self, message: str, character: str = "", position: int | None = None) -> None:
        super().__init__(message)
        self.character = character
        self.position = position

    @property
    def code_point(self) -> int | None:
        """The Unicode code point of `character`."""
        return ord(self.character) if self.character else None


def read_characters(text: str, readable: frozenset[str]) -> list[str | None]:
    """The reading of each character of `text`; None where it is unreadable.

    `readable` holds the characters that stay as they are, both cases of each letter.
    """
    readings: list[str | None] = []
    after_letter = False
    for character in text:
        reading = _read(character, readable)
        if reading is None and after_letter and _is_accent(character):
            reading = ""
        readings.append(reading)
        if reading != "":
            after_letter = reading is not None and reading[-1].isalpha()
    return readings


def _is_accent(character: str) -> bool:
    return "\u0300" <= character <= "\u0362"


def _read(character: str, readable: frozenset[str]) -> str | None:
    if character in readable:
        return character
    if character.isspace():
        return " "
    reading = _read_from_tables(character)
    if reading is None:
        reading = _read_decomposed(character, readable)
    if reading is None:
        reading = _read_by_name(character)
    return reading if reading is not None and readable.issuperset(reading) else None


def _read_from_tables(character: str) -> str | None:
    if character in CHARACTER_TABLE:
        return CHARACTER_TABLE[character]
    letter = LETTER_TABLE.get(character.lower())
    return letter.capitalize() if letter and character.isupper() else letter


def _read_decomposed(character: str, readable: frozenset[str]) -> str | None:
    parts = unicodedata.normalize("NFKD", character)
    if parts == character:
        return None
    readings = read_characters(parts, readable)
    if None in readings:
        return None
    reading = "".join(filter(None, readings))
    return f" {reading}" if unicodedata.category(character) == "No" else reading


def _read_by_name(character: str) -> str | None:
    match = _NAMED_BASE.match(unicodedata.name(character, ""))
    if match is None:
        return None
    return match[2].lower() if match[1] == "SMALL" else match[2]
