"""English: abbreviations, then numbers, then signs, then lower case. Spelling follows American usage."""

from __future__ import annotations

import re

from tacotron2.text.english.abbreviations import expand_abbreviations
from tacotron2.text.english.amounts import expand_amounts
from tacotron2.text.english.numbers import expand_numbers
from tacotron2.text.language import Language, say_signs
from tacotron2.text.symbols import LATIN_LETTERS

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


def normalise(text: str) -> str:
    """English `text` spelled out, in lower case; see `Language.normalise`."""
    text = expand_abbreviations(text)
    for pattern, words in _SIGNS_IN_CONTEXT:
        text = pattern.sub(words, text)
    text = expand_amounts(text)
    text = expand_numbers(text)
    return say_signs(text, _SIGN_WORDS).lower()


LANGUAGE = Language(
    code="en", name="English", letters=LATIN_LETTERS, signs="".join(_SIGN_WORDS), normalise=normalise
)
