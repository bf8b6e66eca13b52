"""What is odd about a whole corpus and yet may be meant: told, never refused."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tacotron2.data.entries import Entry
from tacotron2.data.speakers import shown_names
from tacotron2.hparams import HParams
from tacotron2.text.language import LANGUAGE_MODULES, Language, find_language

FITTING_SHARE = 0.8
"""Of the texts; with fewer the language is doubted. Foreign names alone stay far from it."""
CLEARLY_BETTER = 0.2
"""More of all texts that another language fits before it is named."""
SHOWN_LETTERS = 5


def advice(
    entries: Sequence[Entry], splits: Mapping[str, Sequence[Entry]], hparams: HParams
) -> Iterator[str]:
    """One sentence or two for each oddity.

    Args:
        entries: all that the folder names, also those that are refused.
        splits: the clips in use, by list.
    """
    if told := other_language([entry.text for entry in entries], hparams.text.language):
        yield told
    if told := several_speakers(splits, hparams.model.n_speakers):
        yield told
    if told := repeated_sentences(splits):
        yield told


def other_language(texts: Sequence[str], language: str) -> str:
    """Which language the texts seem to be in, where it is not `language`; else empty.

    A language fits a text whose letters it has all. Letters that a language only knows how to replace (the
    u for ü in English) do not count as its own.
    """
    lettered = [found for found in map(_letters, texts) if found]
    fits = {
        code: sum(found <= _own_letters(find_language(code)) for found in lettered)
        for code in LANGUAGE_MODULES
    }
    best = max(fits, key=lambda code: fits[code])
    whole = len(lettered)
    if fits[language] >= FITTING_SHARE * whole or fits[best] - fits[language] < CLEARLY_BETTER * whole:
        return ""
    own = _own_letters(find_language(language))
    foreign = Counter(letter for found in lettered for letter in found - own)
    shown = " ".join(letter for letter, _ in foreign.most_common(SHOWN_LETTERS))
    return (
        f"text.language={language} has all letters of {fits[language]} of {whole} texts (not: {shown}), "
        f"text.language={best} those of {fits[best]}: are the recordings in {find_language(best).name}? "
        f"Then start with --set text.language={best}"
    )


def several_speakers(splits: Mapping[str, Sequence[Entry]], n_speakers: int) -> str:
    """How many speakers one voice is made of; empty where they are told apart, or there is one."""
    names = sorted({entry.speaker for split in splits.values() for entry in split if entry.speaker})
    if n_speakers > 1 or len(names) < 2:
        return ""
    return (
        f"{len(names)} speakers are named ({shown_names(names)}) and learned as one voice; "
        f"start with --set model.n_speakers={len(names)} to tell them apart"
    )


def repeated_sentences(splits: Mapping[str, Sequence[Entry]]) -> str:
    """How many held-out sentences are also trained on, where the split is the user's own; else empty."""
    if not any(entry.split for entry in splits["train"]):
        return ""
    trained = {_words(entry.text) for entry in splits["train"]}
    held_out = [entry for split in ("validation", "test") for entry in splits[split]]
    known = [entry for entry in held_out if _words(entry.text) in trained]
    if not known:
        return ""
    return (
        f"{len(known)} of {len(held_out)} sentences of validation.txt and test.txt are also in train.txt, "
        f"the first: {known[0].place}; figures about them are not of unseen sentences. "
        "Take them out of one side"
    )


def _own_letters(language: Language) -> frozenset[str]:
    """The letters that its words are written in: a language of another script takes Latin ones as guests."""
    letters = frozenset(each for each in language.letters if unicodedata.category(each) in ("Ll", "Lo"))
    other_script = frozenset(each for each in letters if not unicodedata.name(each).startswith("LATIN"))
    return other_script or letters


def _letters(text: str) -> frozenset[str]:
    return frozenset(filter(str.isalpha, unicodedata.normalize("NFC", text).lower()))


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", text.casefold()))
