"""Russian demo sentences: patterns, words and word forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from tacotron2.data.grammars import Entry, Grammar
from tacotron2.data.russian.grammar import make_rules
from tacotron2.data.russian.inflection import (
    adjective_forms,
    choose_prepositions,
    noun_forms,
    soft_feminine_forms,
    verb_forms,
)
from tacotron2.data.russian.nouns import ANIMATE, PLACES, THINGS, TOPICS
from tacotron2.data.russian.words import ADJECTIVES, FORMS, NEVER_HELD_OUT, OTHERS, VERBS

_WORD = re.compile("[а-яё]+")

_Inflect = Callable[[str], dict[str, str]]


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return _WORD.findall(text.lower())


def load_vocabulary() -> dict[str, list[Entry]]:
    """Every class of the vocabulary with its words in all their forms."""
    return {
        name: [_entry(written, inflect) for written in content.split()]
        for name, content, inflect in _classes()
    }


def _classes() -> Iterator[tuple[str, str, _Inflect]]:
    """Name, words and inflection of every class."""
    for part in (ANIMATE, THINGS, PLACES, TOPICS):
        for name, content in part.items():
            decline = partial(noun_forms, animate=part is ANIMATE)
            yield name, content, soft_feminine_forms if name.endswith("ь") else decline
    for name, content in ADJECTIVES.items():
        yield name, content, adjective_forms
    for name, content in VERBS.items():
        yield name, content, verb_forms
    yield "few", FORMS["few"], _few_forms
    yield "my", FORMS["my"], _pronoun_forms
    for name, content in OTHERS.items():
        yield name, content, lambda word: {"": word}


def _few_forms(entry: str) -> dict[str, str]:
    """Two, three, four: два стола, две книги."""
    word, _, feminine = entry.partition("/")
    return {"": word, "m": word, "n": word, "f": feminine or word}


def _pronoun_forms(entry: str) -> dict[str, str]:
    m, f, n, p, living, feminine = entry.split("/")
    forms = {"": m, "mn": m, "ma": m, "mA": living, "fn": f, "fa": feminine, "fA": feminine}
    return forms | {"nn": n, "na": n, "pn": p}


def _entry(written: str, inflect: _Inflect) -> Entry:
    forms = inflect(written)
    return Entry(forms, frozenset(map(str.lower, forms.values())), ordinary=written.rstrip("'") == forms[""])


GRAMMAR = Grammar(
    language="ru",
    version=1,
    rules=make_rules(),
    load_vocabulary=load_vocabulary,
    never_held_out=NEVER_HELD_OUT,
    rare_letters=frozenset("ъщэфцёюё"),
    words=words,
    finish=choose_prepositions,
)
