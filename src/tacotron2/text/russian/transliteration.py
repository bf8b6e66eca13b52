"""The 33 Russian letters in 33 letters of the symbol table, one for one, and back.

Near to the scientific transliteration (ISO 9), which needs letters that the table does not have: ш š,
ж ž, ч č are its own; щ, ъ, ы, э, ю and я take letters that Russian leaves free.
"""

from __future__ import annotations

CYRILLIC_LETTERS = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_SYMBOLS = "abvgdeöžzijklmnoprstufhcčšßqy\u02b9äüx"
# Vowels in either script: what a stress mark can stand on.
VOWELS = "аеёиоуыэюяaeöiouyäüx"

_TO_SYMBOLS = str.maketrans(CYRILLIC_LETTERS, _SYMBOLS)
_TO_CYRILLIC = str.maketrans(_SYMBOLS, CYRILLIC_LETTERS)


def to_symbols(text: str) -> str:
    """Cyrillic `text` in lower case and in letters of the symbol table; everything else stays."""
    return text.lower().translate(_TO_SYMBOLS)


def to_cyrillic(symbols: str) -> str:
    """The Russian words that `symbols` (the result of `to_symbols`) say, in lower case.

    `w`, the one Latin letter that stands for no Russian one, and everything else stays.
    """
    return symbols.translate(_TO_CYRILLIC)
