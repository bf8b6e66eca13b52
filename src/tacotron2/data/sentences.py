"""Natural, varied sentences for the demo corpus, and held-out ones with words of their own.

Sentences are drawn from the patterns of a language's `Grammar`, filled from its vocabulary. Part of the
vocabulary is reserved: it occurs in held-out sentences only, so that they ask for spelling to sound, not for
memory. All is decided by one seeded generator: the same arguments give the same sentences.
"""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tacotron2.data.grammars import Entry, Grammar

RESERVED_ONE_IN = 9  # share of the eligible words that training never sees
RESERVED_CHANCE = 0.5  # how often a slot of a held-out sentence takes a reserved word
LEAST_UNSEEN_SHARE = 0.2  # of the words of every held-out sentence
USUAL_UNSEEN_SHARE = 0.3  # the candidate nearest to it is kept
NUM_CANDIDATES = 6
LENGTH_TOLERANCE = 2  # characters around the length that was drawn
LONGEST_SINGLE = 60  # longer texts are several sentences
NUM_WORDS_DRAWN = 5  # for a slot
RARE_LETTER_BONUS = 3  # so many more uses before such a word counts as worn
ATTEMPTS_PER_LENGTH = 300
MAX_ATTEMPTS = 8_000  # drafts for one text before the wish counts as impossible

_SLOT = re.compile(r"\{(\w+)(?:\.(\w+))?\}")
_OPENING = re.compile(r'(^"?|, ")([a-zа-яё])')


class SentenceError(ValueError):
    """The generator cannot write that many different sentences of that length."""


@dataclass(frozen=True)
class _Draft:
    text: str
    lemmas: list[str]


@dataclass(frozen=True)
class Sentences:
    """The three splits, and the words kept out of the first."""

    train: list[str]
    validation: list[str]
    test: list[str]
    reserved: frozenset[str]


def write_sentences(
    grammar: Grammar,
    num_train: int,
    num_validation: int,
    num_test: int,
    min_characters: int,
    max_characters: int,
    seed: int,
) -> Sentences:
    """Different sentences of `min_characters` to `max_characters` characters for the three splits.

    No sentence occurs twice, in any split. In every sentence of validation and test at least a fifth of the
    words occur nowhere in training.

    Raises:
        SentenceError: there are not so many sentences of that length.
    """
    writer = _Writer(grammar, min_characters, max_characters, seed)
    train = [writer.write_known() for _ in range(num_train)]
    known = {word for text in train for word in grammar.words(text)}
    held_out = [writer.write_held_out(known) for _ in range(num_validation + num_test)]
    return Sentences(train, held_out[:num_validation], held_out[num_validation:], writer.reserved)


def _reserve(grammar: Grammar, vocabulary: dict[str, list[Entry]], rng: random.Random) -> frozenset[str]:
    """The forms of a part of each open class: ordinary in spelling, in no pattern, in no small class."""
    patterns = (text for symbol in grammar.rules.values() for text in symbol)
    barred = {word for text in patterns for word in grammar.words(_SLOT.sub("", text))}
    for name, pool in vocabulary.items():
        barred.update(
            *(entry.spellings for entry in pool if name in grammar.never_held_out or not entry.ordinary)
        )
    reserved: set[str] = set()
    for pool in vocabulary.values():
        eligible = [entry for entry in pool if not entry.spellings & barred]
        for entry in rng.sample(eligible, len(eligible) // RESERVED_ONE_IN):
            reserved |= entry.spellings
    return frozenset(reserved)


class _Writer:
    """Draws sentences; remembers what it wrote and how often it used each word."""

    def __init__(self, grammar: Grammar, min_characters: int, max_characters: int, seed: int) -> None:
        self._grammar = grammar
        self._min, self._max = min_characters, max_characters
        self._random = random.Random(seed)
        self._written: set[tuple[str, ...]] = set()
        self._uses: Counter[str] = Counter()
        vocabulary = grammar.load_vocabulary()
        self.reserved = _reserve(grammar, vocabulary, self._random)
        self._known = {
            name: [entry for entry in pool if not entry.spellings & self.reserved]
            for name, pool in vocabulary.items()
        }
        self._kept_out = {
            name: [entry for entry in pool if entry.spellings <= self.reserved]
            for name, pool in vocabulary.items()
        }

    def write_known(self) -> str:
        """A new sentence without a reserved word."""
        return self._keep(list(itertools.islice(self._drafts(reserved_chance=0.0), 1)), key=lambda _: 0.0)

    def write_held_out(self, known: set[str]) -> str:
        """A new sentence, at least a fifth of whose words are not `known`."""
        fitting = (
            draft
            for draft in self._drafts(RESERVED_CHANCE)
            if self._unseen_share(draft.text, known) >= LEAST_UNSEEN_SHARE
        )
        candidates = list(itertools.islice(fitting, NUM_CANDIDATES))
        return self._keep(
            candidates, key=lambda draft: abs(self._unseen_share(draft.text, known) - USUAL_UNSEEN_SHARE)
        )

    def _keep(self, candidates: list[_Draft], key: Callable[[_Draft], float]) -> str:
        """Write down the candidate with the smallest key."""
        if not candidates:
            raise SentenceError(
                f"cannot write {len(self._written) + 1} different sentences of {self._min} to {self._max} "
                "characters; ask for fewer (demo.demo_clips) or allow a wider range "
                "(demo.demo_min_characters, demo.demo_max_characters)"
            )
        draft = min(candidates, key=key)
        self._written.add(tuple(self._grammar.words(draft.text)))
        self._uses.update(draft.lemmas)
        return draft.text

    def _drafts(self, reserved_chance: float) -> Iterator[_Draft]:
        """New texts of fitting length, as many as `MAX_ATTEMPTS` give.

        The length is drawn first, so that any range is filled evenly.
        """
        for attempt in range(MAX_ATTEMPTS):
            if attempt % ATTEMPTS_PER_LENGTH == 0:
                length = self._random.randint(self._min, self._max)
            draft = self._draft(length, reserved_chance)
            fits = self._min <= len(draft.text) <= self._max
            near = abs(len(draft.text) - length) <= LENGTH_TOLERANCE
            if fits and near and tuple(self._grammar.words(draft.text)) not in self._written:
                yield draft

    def _draft(self, length: int, reserved_chance: float) -> _Draft:
        """One sentence, or for a long text as many as it takes, of whatever length comes."""
        lemmas: list[str] = []
        lines = [self._line(lemmas, reserved_chance)]
        while length > LONGEST_SINGLE and len(" ".join(lines)) < length - LENGTH_TOLERANCE:
            lines.append(self._line(lemmas, reserved_chance))
        return _Draft(" ".join(lines), lemmas)

    def _line(self, lemmas: list[str], reserved_chance: float) -> str:
        text = self._grammar.finish(self._expand("LINE", lemmas, reserved_chance))
        return _OPENING.sub(lambda match: match[1] + match[2].upper(), text)

    def _expand(self, symbol: str, lemmas: list[str], reserved_chance: float) -> str:
        def fill(slot: re.Match[str]) -> str:
            name, form = slot[1], slot[2] or ""
            if name in self._grammar.rules:
                return self._expand(name, lemmas, reserved_chance)
            entry = self._choose(name, lemmas, reserved_chance)
            lemmas.append(entry.lemma)
            return entry.forms[form]

        return _SLOT.sub(fill, self._random.choice(self._grammar.rules[symbol]))

    def _choose(self, name: str, lemmas: list[str], reserved_chance: float) -> Entry:
        """Of a few words drawn the one used least, so that the vocabulary wears evenly and rare letters
        are not rare; the same word twice in a sentence only where there is no other."""
        kept_out = self._kept_out[name]
        pool = kept_out if kept_out and self._random.random() < reserved_chance else self._known[name]
        drawn = [self._random.choice(pool) for _ in range(NUM_WORDS_DRAWN)]
        return min(drawn, key=lambda entry: (entry.lemma in lemmas, self._wear(entry.lemma)))

    def _wear(self, lemma: str) -> int:
        return self._uses[lemma] - RARE_LETTER_BONUS * (
            not self._grammar.rare_letters.isdisjoint(lemma.lower())
        )

    def _unseen_share(self, text: str, known: set[str]) -> float:
        """Share of the words of a text that are not known."""
        said = self._grammar.words(text)
        return sum(word not in known for word in said) / len(said)
