"""English demo sentences: patterns, words and word forms."""

from __future__ import annotations

import re
from collections.abc import Callable

from tacotron2.data.english.grammar import RULES
from tacotron2.data.english.inflection import choose_articles, noun_forms, verb_forms
from tacotron2.data.english.vocabulary import NEVER_HELD_OUT, NOUNS, OTHERS, VERBS
from tacotron2.data.grammars import Entry, Grammar

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


def words(text: str) -> list[str]:
    """The words of a text in lower case, without a possessive 's."""
    return [word.removesuffix("'s") for word in _WORD.findall(text.lower())]


def load_vocabulary() -> dict[str, list[Entry]]:
    """Every class of the vocabulary with its words in all their forms."""
    parts: tuple[tuple[dict[str, str], Callable[[str], dict[str, str]]], ...] = (
        (NOUNS, noun_forms),
        (VERBS, verb_forms),
        (OTHERS, lambda word: {"": word}),
    )
    return {
        name: [_entry(written, inflect) for written in content.split()]
        for part, inflect in parts
        for name, content in part.items()
    }


def _entry(written: str, inflect: Callable[[str], dict[str, str]]) -> Entry:
    plain = written.replace("*", "")
    forms = inflect(plain)
    return Entry(forms, frozenset(map(str.lower, forms.values())), ordinary=written == forms[""])


GRAMMAR = Grammar(
    language="en",
    version=1,
    rules=RULES,
    load_vocabulary=load_vocabulary,
    never_held_out=NEVER_HELD_OUT,
    rare_letters=frozenset("jqxz"),
    words=words,
    finish=choose_articles,
)
