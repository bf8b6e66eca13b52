"""Russian: abbreviations, amounts, numbers, signs, lower case, then letters of the symbol table.

Stress: U+0301 after the vowel or `+` before it; both become the stress symbol after the vowel. A stress mark
elsewhere says nothing and goes. Latin letters are taken as they stand, as if already transliterated, so that
normalised text stays as it is when it is read again.
"""

from __future__ import annotations

import re

from tacotron2.text.language import Language, say_signs
from tacotron2.text.russian.abbreviations import expand_abbreviations
from tacotron2.text.russian.amounts import expand_amounts
from tacotron2.text.russian.dates import expand_dates
from tacotron2.text.russian.numbers import expand_numbers
from tacotron2.text.russian.stress import mark_stress
from tacotron2.text.russian.transliteration import CYRILLIC_LETTERS, VOWELS, to_cyrillic, to_symbols
from tacotron2.text.symbols import LATIN_LETTERS, STRESS_MARK

__all__ = ["LANGUAGE", "normalise", "to_cyrillic", "to_symbols"]

_SIGN_WORDS = {
    "&": "и",
    "@": "собака",
    "%": "процентов",
    "‰": "промилле",
    "#": "решётка",
    "+": "плюс",
    "=": "равно",
    "/": "дробь",
    "\\": "обратная косая черта",
    "*": "звёздочка",
    "_": "подчёркивание",
    "<": "меньше",
    ">": "больше",
    "^": "крышка",
    "~": "примерно",
    "|": "вертикальная черта",
    "$": "долларов",
    "€": "евро",
    "£": "фунтов",
    "¥": "иен",
    "₽": "рублей",
    "°": "градусов",
    "²": "в квадрате",
    "³": "в кубе",
    "×": "умножить на",
    "÷": "разделить на",
    "±": "плюс-минус",
    "§": "параграф",
    "№": "номер",
    "©": "копирайт",
    "®": "зарегистрировано",
    "™": "торговая марка",
}
_BREVE, _DIAERESIS = "\u0306", "\u0308"
_COMPOSED = {
    f"{base}{mark}": letter
    for base, mark, letter in [
        ("и", _BREVE, "й"),
        ("е", _DIAERESIS, "ё"),
        ("a", _DIAERESIS, "ä"),
        ("o", _DIAERESIS, "ö"),
        ("u", _DIAERESIS, "ü"),
    ]
}
_COMPOSED |= {pair.upper(): letter.upper() for pair, letter in _COMPOSED.items()}
_PAIR = re.compile("|".join(_COMPOSED))
_PLUS_STRESS = re.compile(rf"(?<![0-9+])\+([{VOWELS}])(?!{STRESS_MARK})", re.IGNORECASE)
_STRAY_STRESS = re.compile(rf"(?<![{VOWELS}]){STRESS_MARK}", re.IGNORECASE)


def normalise(text: str) -> str:
    """Russian `text` spelled out, in symbols of the table; see `Language.normalise`."""
    text = _PAIR.sub(lambda match: _COMPOSED[match[0]], text)
    text = re.sub(f"[{_BREVE}{_DIAERESIS}]", "", text)
    text = _PLUS_STRESS.sub(rf"\1{STRESS_MARK}", text)
    text = _STRAY_STRESS.sub("", text)
    text = re.sub(r"-{2,}", " - ", text)
    for expand in (expand_abbreviations, expand_dates, expand_amounts, expand_numbers):
        text = expand(text)
    return to_symbols(say_signs(text, _SIGN_WORDS))


LANGUAGE = Language(
    code="ru",
    name="Russian",
    letters=CYRILLIC_LETTERS + LATIN_LETTERS + "äöüßčšž\u02b9",
    signs="".join(_SIGN_WORDS),
    normalise=normalise,
    variants=STRESS_MARK + _BREVE + _DIAERESIS + "ẞ",
    mark_stress=mark_stress,
)
