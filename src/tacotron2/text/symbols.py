"""The symbol table: 60 distinct symbols for every language, one embedding row each.

The index of a symbol is its id, so the order is part of every checkpoint and must never change.
Upper case is free for the two markers, because normalised text is lower case: a letter of the text can
never become START or END.
"""

from __future__ import annotations

PADDING = "_"
START = "S"
END = "E"
STRESS_MARK = "\u0301"

DIGITS = "0123456789"
LATIN_LETTERS = "abcdefghijklmnopqrstuvwxyz"

# Shared by all languages: what the 26 letters cannot write. The last one, the modifier prime (U+02B9),
# is the letter form of the apostrophe, so that a letter and a quotation mark stay two symbols.
_EXTRA = ('"', STRESS_MARK, "ä", "ö", "ü", "ß", "č", "š", "ž", "\u02b9")

SYMBOLS: tuple[str, ...] = (PADDING, "-", *"!'(),.:;? ", *DIGITS, START, END, *LATIN_LETTERS, *_EXTRA)

PUNCTUATION: tuple[str, ...] = tuple("-!'(),.:;?\"")

# What a recogniser can hear: everything but padding and punctuation. The space stays, it is heard as a
# word boundary.
CTC_SYMBOLS: tuple[str, ...] = tuple(
    symbol for symbol in SYMBOLS if symbol != PADDING and symbol not in PUNCTUATION
)
