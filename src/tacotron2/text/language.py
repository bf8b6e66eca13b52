"""What a language is, and where the languages are registered.

To add one: a module `tacotron2.text.<name>` with a `LANGUAGE`, a line in `LANGUAGE_MODULES`, and its golden
strings; the conformance tests run over every registered language.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from tacotron2.text.symbols import DIGITS, PUNCTUATION

LANGUAGE_MODULES: Mapping[str, str] = MappingProxyType(
    {"en": "tacotron2.text.english", "ru": "tacotron2.text.russian", "de": "tacotron2.text.german"}
)


class LanguageError(ValueError):
    """No such language; the message names those that exist."""


@dataclass(frozen=True)
class Language:
    """How one language reads text.

    `letters` are the lower-case letters it reads as they are; Latin letters beyond them become base letters.
    `signs` are further characters it can say in words, `%` for instance.
    `variants` are other spellings of its letters that `normalise` understands: combining marks that make
    another letter or carry the stress, a capital that Python does not know as one.
    `mark_stress`, where there is one, puts stress marks into normalised texts (`text.stress=library`).
    `normalise` takes text made of letters of both cases, digits, punctuation, spaces and signs, and returns
    it spelled out, in symbols of the table alone; other characters, if any, pass through.
    """

    code: str
    name: str
    letters: str
    signs: str
    normalise: Callable[[str], str]
    variants: str = ""
    mark_stress: Callable[[Sequence[str]], list[str]] | None = None

    @cached_property
    def readable(self) -> frozenset[str]:
        """Every character that `normalise` understands."""
        return frozenset(
            (*self.letters, *self.letters.upper(), *DIGITS, *PUNCTUATION, " ", *self.signs, *self.variants)
        )


def find_language(code: str) -> Language:
    """The language registered under `code` ("en"); LanguageError when there is none."""
    if code not in LANGUAGE_MODULES:
        known = ", ".join(LANGUAGE_MODULES)
        raise LanguageError(f"unknown language {code!r}: the registered languages are {known}")
    language: Language = importlib.import_module(LANGUAGE_MODULES[code]).LANGUAGE
    return language


def say_signs(text: str, words: Mapping[str, str]) -> str:
    """Each character of `words` in its words, set apart from what is neither punctuation nor a space."""

    def say(match: re.Match[str]) -> str:
        start, end = match.span()
        before, after = text[max(start - 1, 0) : start], text[end : end + 1]
        left = "" if before in PUNCTUATION or before.isspace() else " "
        right = "" if after in PUNCTUATION or after.isspace() else " "
        return f"{left}{words[match[0]]}{right}"

    return re.sub("[" + re.escape("".join(words)) + "]", say, text)
