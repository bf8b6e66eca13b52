"""A phrase, its parameters, and how both become a sentence.

A form is a format string of Python with these specifications:

```
{step}  {rate:.2f}  {clips:,}  {share:.0%}   as in Python; numbers with the marks of the language
{clips:clip|clips}  {clips:запись|записи|записей}   the word that goes with the number
{seconds:duration}  {disk:MiB}  {memory:GiB}        with their units
{reason}  {findings}                                a message, or several, parted by semicolons
```
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeAlias

from smart_tuner.messages.language import Language, duration, is_size, number, plural, size

Parameter: TypeAlias = "str | int | float | Path | Message | tuple[Message, ...]"


class Phrase(Enum):
    """Base of the catalogues: each member is a name with its English and its Russian form."""

    def __init__(self, english: str, russian: str) -> None:
        self.english = english
        self.russian = russian

    def __call__(self, **parameters: Parameter) -> Message:
        """The phrase with its parameters; a test checks the names of all calls."""
        return Message(self, parameters)

    @property
    def placeholders(self) -> set[str]:
        """The names of its parameters."""
        return placeholders(self.english)

    def form(self, language: Language) -> str:
        """The format string in a language."""
        return self.russian if language is Language.RU else self.english


def placeholders(form: str) -> set[str]:
    """The names that a format string wants."""
    return {name for _, name, _, _ in string.Formatter().parse(form) if name}


@dataclass(frozen=True)
class Message:
    """Something to tell, in no language yet."""

    phrase: Phrase
    parameters: Mapping[str, Parameter]


class MessageError(ValueError):
    """A mistake that a person can mend. `message` is for them, in their language; `str()` is English.

    A plain string is a detail that has no translation.
    """

    def __init__(self, message: Message | str) -> None:
        self.message = message
        super().__init__(render(message, Language.EN))


class _Formatter(string.Formatter):
    """Fills a form in one language."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Message):
            return render(value, self._language)
        if isinstance(value, tuple):
            return "; ".join(render(each, self._language) for each in value)
        if "|" in format_spec:
            return plural(value, format_spec.split("|"), self._language)
        if format_spec == "duration":
            return duration(value, self._language)
        if is_size(format_spec):
            return size(value, format_spec, self._language)
        if isinstance(value, int | float):
            return number(value, format_spec, self._language)
        return format(value, format_spec)


def render(message: Message | str, language: Language) -> str:
    """The sentence. A string is a name or a technical detail and stays as it is.

    Raises:
        KeyError: a parameter of the form is missing.
    """
    if isinstance(message, str):
        return message
    return _Formatter(language).vformat(message.phrase.form(language), (), message.parameters)
