"""What the grammar of a demo corpus is, and which languages have one.

To add one: a package `tacotron2.data.<name>` with a `GRAMMAR`, and a line in `GRAMMAR_MODULES`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

GRAMMAR_MODULES: Mapping[str, str] = MappingProxyType(
    {"en": "tacotron2.data.english", "ru": "tacotron2.data.russian"}
)


class GrammarError(ValueError):
    """No demo sentences in this language; the message names those that have some."""


@dataclass(frozen=True)
class Entry:
    """One word of the vocabulary: its forms by name, all their spellings in lower case, and whether
    both spelling and forms are ordinary enough to be reserved."""

    forms: dict[str, str]
    spellings: frozenset[str]
    ordinary: bool

    @property
    def lemma(self) -> str:
        """The form without an ending."""
        return self.forms[""]


@dataclass(frozen=True)
class Grammar:
    """How sentences of one language are written.

    `rules` are patterns by symbol: `{class.form}` takes a word, a name of `rules` one of its patterns; a
    sentence begins with `LINE`. `finish` mends what depends on the neighbouring words. `words` are the words
    of a text in lower case. Raise `version` when a change alters the sentences of a seed.
    """

    language: str
    version: int
    rules: Mapping[str, tuple[str, ...]]
    load_vocabulary: Callable[[], dict[str, list[Entry]]]
    never_held_out: frozenset[str]
    rare_letters: frozenset[str]
    words: Callable[[str], list[str]]
    finish: Callable[[str], str]


def find_grammar(language: str) -> Grammar:
    """The grammar of `language` ("en"); GrammarError when there is none."""
    if language not in GRAMMAR_MODULES:
        known = ", ".join(GRAMMAR_MODULES)
        raise GrammarError(f"text.language={language!r}: there are demo sentences in {known} only")
    grammar: Grammar = importlib.import_module(GRAMMAR_MODULES[language]).GRAMMAR
    return grammar
