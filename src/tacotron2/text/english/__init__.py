"""English: abbreviations, then numbers, then signs, then lower case. Spelling follows American usage."""

from __future__ import annotations

import re

from tacotron2.text.english.abbreviations import expand_abbreviations
from tacotron2.text.english.amounts import expand_amounts
from tacotron2.text.english.numbers import expand_numbers
from tacotron2.text.language import Language
from tacotron2.text.symbols import LATIN_LETTERS, PUNCTUATION

_SIGN_WORDS = {
    "&": "and",
    "@": "at",
    "%": "percent",
    "#": "hash",
    "+": "plus",
    "=": "equals",
    "/": "slash",
    "\\": "backslash",
    "*": "asterisk",
    "_": "underscore",
    "<": "less than",
    ">": "greater than",
    "^": "caret",
    "~": "tilde",
    "|": "vertical bar",
    "$": "dollars",
    "£": "pounds",
    "€": "euros",
    "¥": "yen",
    "¢": "cents",
    "°": "degrees",
    "²": "squared",
    "³": "cubed",
    "×": "times",
    "÷": "divided by",
    "±": "plus or minus",
    "§": "section",
    "№": "number",
    "©": "copyright",
    "®": "registered",
    "™": "trademark",
}
_SIGN = re.compile("[" + re.escape("".join(_SIGN_WORDS)) + "]")
# Signs whose reading depends on what stands next to them.
_SIGNS_IN_CONTEXT = (
    (re.compile(r"(?<=\w)#(?=\s?[0-9])"), " number "),
    (re.compile(r"#(?=\s?[0-9])"), "number "),
    (re.compile(r"~(?=\s?[0-9$£€¥])"), "about "),
    (re.compile(r"(?<=[0-9])\s?\*\s?(?=[0-9])"), " times "),
    (re.compile(r"°\s?C\b"), "° celsius"),
    (re.compile(r"°\s?F\b"), "° fahrenheit"),
    (re.compile(r"(?<![0-9.,])1\s?°"), "1 degree"),
    (re.compile(r"(?<=\w)\.(?=(?:com|edu|gov|io|net|org)\b)"), " dot "),
    (re.compile(r"-{2,}"), " - "),
)


def _say_sign(match: re.Match[str]) -> str:
    start, end = match.span()
    before, after = match.string[max(start - 1, 0) : start], match.string[end : end + 1]
    left = "" if before in PUNCTUATION or before.isspace() else " "
    right = "" if after in PUNCTUATION or after.isspace() else " "
    return f"{left}{_SIGN_WORDS[match[0]]}{right}"


def normalise(text: str) -> str:
    """English `text` spelled out, in lower case; see `Language.normalise`."""
    text = expand_abbreviations(text)
    for pattern, words in _SIGNS_IN_CONTEXT:
        text = pattern.sub(words, text)
    text = expand_amounts(text)
    text = expand_numbers(text)
    return _SIGN.sub(_say_sign, text).lower()


LANGUAGE = Language(
    code="en", name="English", letters=LATIN_LETTERS, signs="".join(_SIGN_WORDS), normalise=normalise
)
