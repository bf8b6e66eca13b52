"""The user's dictionary: words that are to be read another way than they are written.

One word a line, UTF-8: `замок|зам+ок`, `Google|гугл`, `SQL|sequel`. Blank lines and lines that begin with `#`
are passed over. A word matches in either case, whole, and without stress marks unless it was given with them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from tacotron2.text.characters import TextError, read_characters
from tacotron2.text.language import Language
from tacotron2.text.symbols import STRESS_MARK

_LETTER = rf"[^\W\d_][{STRESS_MARK}\u0306\u0308]*"
_WORD = re.compile(rf"(?:{_LETTER})+")
# With the other way of writing stress: "з+амок" is not the word "амок".
_WORD_IN_TEXT = re.compile(rf"(?:\+?{_LETTER})+")


class DictionaryError(TextError):
    """A dictionary cannot be read; the message names file and line."""


def load_dictionary(path: Path, language: Language) -> dict[str, str]:
    """Word in lower case to its form, from a file `word|form`; DictionaryError names file and line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DictionaryError(f"text.dictionary: cannot read {path}: {reason}") from error
    except UnicodeDecodeError as error:
        raise DictionaryError(f"text.dictionary: {path} is not UTF-8 text") from error
    return parse_dictionary(text, str(path), language)


def parse_dictionary(text: str, place: str, language: Language) -> dict[str, str]:
    """The content of a dictionary, as `load_dictionary` gives it; DictionaryError names `place` and line."""
    words: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        word, bar, form = (part.strip() for part in line.partition("|"))
        problem = _problem(word, bar, form, language)
        if not problem and _key(word, language) in words:
            problem = f"{word!r} was given before, as {words[_key(word, language)]!r}"
        if problem:
            raise DictionaryError(f"{place}, line {number}: {problem}")
        words[_key(word, language)] = form
    return words


def apply_dictionary(text: str, words: Mapping[str, str]) -> str:
    """`text`, whose characters were read, with each word of the dictionary in its form."""
    if not words:
        return text
    return _WORD_IN_TEXT.sub(lambda match: words.get(_folded(match[0]), match[0]), text)


def _key(word: str, language: Language) -> str:
    """`word` as it stands in a text whose characters were read: "naïve" is "naive" in English."""
    return _folded("".join(filter(None, read_characters(word, language.readable))))


def _folded(word: str) -> str:
    return unicodedata.normalize("NFC", word).lower()


def _problem(word: str, bar: str, form: str, language: Language) -> str:
    """What is wrong with a line, or nothing."""
    if not bar:
        return "no '|': a line is the word, '|' and how to read it, such as замок|зам+ок"
    if not _WORD.fullmatch(word) or None in read_characters(word, language.readable):
        return f"{word!r} is not one word in letters that {language.name} reads"
    readings = read_characters(form, language.readable)
    if None in readings:
        return f"{language.name} cannot read {form[readings.index(None)]!r} in the form {form!r}"
    if not any(character.isalpha() for character in language.normalise("".join(filter(None, readings)))):
        return f"nothing to say for {word!r}: its form needs at least one letter or number"
    return ""
