"""The symbol table is part of every checkpoint: its order is checked letter by letter."""

from __future__ import annotations

from tacotron2.text import (
    CHARACTER_TABLE,
    CTC_SYMBOLS,
    END,
    LETTER_TABLE,
    PADDING,
    PUNCTUATION,
    START,
    SYMBOLS,
)

EXPECTED = "_-!'(),.:;? 0123456789SEabcdefghijklmnopqrstuvwxyz\"\u0301äöüßčšž\u02b9"


def test_table_is_the_fixed_one() -> None:
    assert "".join(SYMBOLS) == EXPECTED
    assert len(SYMBOLS) == len(set(SYMBOLS)) == 60
    assert (SYMBOLS[0], START, END) == (PADDING, "S", "E")


def test_ctc_symbols_are_the_48_without_padding_and_punctuation() -> None:
    assert len(CTC_SYMBOLS) == len(set(CTC_SYMBOLS)) == 48
    assert len(set(PUNCTUATION)) == 11
    assert set(CTC_SYMBOLS) | set(PUNCTUATION) | {PADDING} == set(SYMBOLS)
    assert not set(CTC_SYMBOLS) & set(PUNCTUATION)
    assert " " in CTC_SYMBOLS


def test_replacement_tables_lead_into_the_symbol_table() -> None:
    # "/" is the one replacement that is not a symbol: a language reads it as a fraction or as "slash".
    readings = set("".join((*CHARACTER_TABLE.values(), *LETTER_TABLE.values())))
    assert readings <= set(SYMBOLS) - {PADDING, START, END} | {"/"}
    assert all(character not in PUNCTUATION for character in CHARACTER_TABLE)
    assert all(reading.isalpha() for reading in LETTER_TABLE.values())
