"""Where the stress of a Russian word lies, asked of the bundled speech library."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tacotron2.text.phonemes import ask_phonemes
from tacotron2.text.russian.transliteration import VOWELS, to_cyrillic, to_symbols
from tacotron2.text.symbols import LATIN_LETTERS, STRESS_MARK

_WORD = re.compile(f"[{LATIN_LETTERS}äöüßčšž\u02b9{STRESS_MARK}]+")
_VOWEL = re.compile(f"[{VOWELS}]")
# The library writes a soft r as "rɪ^", which is no vowel.
_SPOKEN_VOWEL = re.compile(r"(?!ɪ\^)[aɑʌeɛɐəiɪɨyoɔɵuʊæɜ]")
_PRIMARY = "ˈ"


def mark_stress(texts: Sequence[str]) -> list[str]:
    """Normalised texts (in letters of the symbol table) with the stress of the words that bear no mark.

    A word of one vowel, or with ё, needs none. A word stays as it is where the library hears another number
    of vowels than are written, or not exactly one stress. All words of all texts are asked at once.

    Raises:
        StressError: the speech library is not there.
    """
    wanted = sorted({word for text in texts for word in _WORD.findall(text) if _needs_mark(word)})
    spoken = ask_phonemes("ru", [to_cyrillic(word) for word in wanted]) if wanted else []
    marked = {word: _marked(word, phonemes) for word, phonemes in zip(wanted, spoken, strict=True)}
    return [_WORD.sub(lambda match: marked.get(match[0], match[0]), text) for text in texts]


def _needs_mark(word: str) -> bool:
    several = len(_VOWEL.findall(word)) > 1
    return several and STRESS_MARK not in word and to_symbols("ё") not in word and "w" not in word


def _marked(word: str, phonemes: str) -> str:
    """`word` with the mark after the vowel that bears the stress in `phonemes`, if both agree."""
    vowels = [match.end() for match in _VOWEL.finditer(word)]
    before, primary, after = phonemes.partition(_PRIMARY)
    num_before, num_after = (len(_SPOKEN_VOWEL.findall(part)) for part in (before, after))
    if not primary or _PRIMARY in after or not num_after or num_before + num_after != len(vowels):
        return word
    end = vowels[num_before]
    return word[:end] + STRESS_MARK + word[end:]
