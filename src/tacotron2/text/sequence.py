"""Text to symbol ids and back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from tacotron2.text.characters import TextError, read_characters
from tacotron2.text.dictionary import apply_dictionary
from tacotron2.text.language import Language, find_language
from tacotron2.text.symbols import END, PADDING, PUNCTUATION, START, SYMBOLS

_UNREADABLE_CHOICES = ("error", "drop")
_MARKERS = frozenset((PADDING, START, END))


@dataclass(frozen=True)
class EncodedText:
    """A text as the model reads it.

    `ids` (T_text,) begins with the start symbol and ends with the end symbol, without padding; `text` is
    what the ids between them say; `dropped` are the characters left out, in order, one entry each time.
    """

    ids: list[int]
    text: str
    dropped: tuple[str, ...]


def normalise(text: str, language: str = "en") -> str:
    """Spell out `text` in lower case, in symbols of the table; unreadable characters stay where they are.

    White space is collapsed. LanguageError for a language that is not registered.
    """
    reader = find_language(language)
    readings = read_characters(text, reader.readable)
    kept = (
        character if reading is None else reading for character, reading in zip(text, readings, strict=True)
    )
    return _tidy(reader.normalise("".join(kept)))


def text_to_sequence(
    text: str,
    language: str = "en",
    unreadable: str = "error",
    dictionary: Mapping[str, str] = MappingProxyType({}),
) -> EncodedText:
    """Normalise `text` and encode it; the words of `dictionary` (see `load_dictionary`) in their own form.

    A character that cannot be read is a TextError with `unreadable="error"`; with "drop" it counts as a
    space, so that its neighbours do not merge, and is listed in the result. A text without any letter is a
    TextError either way.
    """
    if unreadable not in _UNREADABLE_CHOICES:
        raise ValueError(f"unreadable={unreadable!r}: it must be one of {', '.join(_UNREADABLE_CHOICES)}")
    reader = find_language(language)
    readings = read_characters(text, reader.readable)
    missed = [position for position, reading in enumerate(readings) if reading is None]
    if missed and unreadable == "error":
        raise _unreadable_error(text, missed[0], reader)
    readable = "".join(" " if reading is None else reading for reading in readings)
    spoken = _tidy(reader.normalise(_with_dictionary(readable, dictionary, reader)))
    if not any(character.isalpha() for character in spoken):
        raise _letterless_error(text, len(missed))
    return _encode(spoken, tuple(text[position] for position in missed))


def with_stress(texts: Sequence[EncodedText], language: str) -> list[EncodedText]:
    """The same texts with the stress that the speech library knows, in words that bear no mark.

    All texts go at once, because asking the library takes a child process. ValueError for a language whose
    stress it does not tell; StressError when it cannot be asked.
    """
    mark = find_language(language).mark_stress
    if mark is None:
        raise ValueError(f"language={language!r}: no stress is put into it")
    marked = mark([encoded.text for encoded in texts])
    return [_encode(text, encoded.dropped) for text, encoded in zip(marked, texts, strict=True)]


def sequence_to_text(ids: Sequence[int]) -> str:
    """The text that `ids` (T_text,) say, without padding, start and end; ValueError for an unknown id."""
    for symbol_id in ids:
        if not 0 <= symbol_id < len(SYMBOLS):
            raise ValueError(
                f"symbol id {symbol_id} is outside the table: ids go from 0 to {len(SYMBOLS) - 1}"
            )
    return "".join(SYMBOLS[symbol_id] for symbol_id in ids if SYMBOLS[symbol_id] not in _MARKERS)


def _encode(spoken: str, dropped: tuple[str, ...]) -> EncodedText:
    ids_of = {symbol: index for index, symbol in enumerate(SYMBOLS) if symbol not in _MARKERS}
    ids = [SYMBOLS.index(START), *(ids_of[character] for character in spoken), SYMBOLS.index(END)]
    return EncodedText(ids, spoken, dropped)


def _with_dictionary(text: str, dictionary: Mapping[str, str], reader: Language) -> str:
    """`text`, whose characters are readable, with the words of the dictionary, made readable too."""
    readings = read_characters(apply_dictionary(text, dictionary), reader.readable)
    return "".join(filter(None, readings))


def _tidy(text: str) -> str:
    """Single spaces, none before closing punctuation, none at the ends."""
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r" (?=[,.;:!?)])", "", text)


def _unreadable_error(text: str, position: int, language: Language) -> TextError:
    character = text[position]
    name = unicodedata.name(character, "unnamed character")
    return TextError(
        f"unreadable character {character!r} (U+{ord(character):04X}, {name}) at position {position}, "
        f"counted from 0: {language.name} reads the letters {language.letters} with or without accents, "
        f"digits, {' '.join(PUNCTUATION)} and {' '.join(language.signs)}; "
        "spell it out, or leave it out: text.unreadable=drop for a training, --drop-unreadable at synthesis",
        character,
        position,
    )


def _letterless_error(text: str, num_dropped: int) -> TextError:
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    dropped = f" ({num_dropped} unreadable characters dropped)" if num_dropped else ""
    return TextError(f"nothing to say in {shown!r}{dropped}: a text needs at least one letter or number")
