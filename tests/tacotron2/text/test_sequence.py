"""Encoding and decoding, on every registered language where that makes sense."""

from __future__ import annotations

import dataclasses
import pickle
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tacotron2.hparams import TextParams
from tacotron2.text import (
    LANGUAGE_MODULES,
    PADDING,
    PUNCTUATION,
    SYMBOLS,
    LanguageError,
    TextError,
    find_language,
    normalise,
    sequence_to_text,
    text_to_sequence,
)

LANGUAGES = sorted(LANGUAGE_MODULES)
# The test's own table: what the accented and special letters of the property test must become.
SPECIAL = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "þ": "th", "ð": "th", "ħ": "h"}
LETTERS = "abcdefghijklmnopqrstuvwxyzESABMRD" + "àéîõüÿçñåÅÉÖČŠŽžěťőűāģ" + "".join(SPECIAL)


def base_letters(text: str) -> str:
    kept = (SPECIAL.get(char) or unicodedata.normalize("NFD", char)[0] for char in text.lower())
    return "".join(char for char in "".join(kept) if char.isalpha())


@given(st.text(alphabet=LETTERS + " -!'(),:;?\"\u2014«»…’", max_size=40))
@example("SES, E! Ses E")
def test_no_letter_disappears(text: str) -> None:
    if not base_letters(text) or re.search(r"\b(Mrs?|Ms|Dr)\b", text):
        return
    assert base_letters(text_to_sequence(text).text) == base_letters(text)


@pytest.mark.parametrize("code", LANGUAGES)
@given(text=st.text(max_size=30) | st.text(alphabet=" .,-:/$%°0123456789astmpk'&", max_size=30))
@example(text="_SE_ $5-10.50 1/2 -3")
def test_any_text_is_encoded_or_refused(code: str, text: str) -> None:
    reader = find_language(code)
    try:
        encoded = text_to_sequence(text, code, unreadable="drop")
    except TextError as error:
        assert error.character == ""
        assert not any(char in reader.letters or char in "0123456789" for char in text.lower())
        return
    assert encoded.ids[0] == SYMBOLS.index("S")
    assert encoded.ids[-1] == SYMBOLS.index("E")
    assert not {0, encoded.ids[0], encoded.ids[-1]} & set(encoded.ids[1:-1])
    assert sequence_to_text(encoded.ids) == encoded.text
    assert not re.search(r"\s\s|^\s|\s$", encoded.text)
    if encoded.dropped:
        with pytest.raises(TextError) as caught:
            text_to_sequence(text, code)
        assert caught.value.character == encoded.dropped[0] == text[caught.value.position or 0]
    else:
        assert text_to_sequence(text, code).text == encoded.text == normalise(text, code)


@pytest.mark.parametrize("code", LANGUAGES)
@given(text=st.text(alphabet=" .,-:/$%°0123456789abstmpkAMDSJ'&\"()", max_size=30))
def test_normalised_text_is_final(code: str, text: str) -> None:
    once = normalise(text, code)
    assert normalise(once, code) == once
    assert set(once) <= set(SYMBOLS)


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_language_reads_its_alphabet_and_says_its_signs(code: str) -> None:
    reader = find_language(code)
    assert reader.code == code
    assert reader.letters == reader.letters.lower()
    assert len(set(reader.letters)) == len(reader.letters)
    for sign in reader.signs:
        spoken = text_to_sequence(f"{reader.letters[0]} {sign}", code).text
        assert any(char.isalpha() for char in spoken[1:]), sign
    assert dataclasses.is_dataclass(reader)


def test_text_of_letters_digits_and_markers() -> None:
    encoded = text_to_sequence("SE: 5 cats.")
    assert encoded.text == "se: five cats."
    assert "".join(SYMBOLS[i] for i in encoded.ids) == "Sse: five cats.E"
    assert encoded.dropped == ()


def test_dropping_is_counted_and_keeps_words_apart() -> None:
    encoded = text_to_sequence("one🙂two ж ж 3→4", unreadable="drop")
    assert encoded.text == "one two three four"
    assert encoded.dropped == ("🙂", "ж", "ж", "→")


def test_normalise_leaves_the_unreadable_in_place() -> None:
    assert normalise("5  Ж's & 1🙂") == "five ж's and one🙂"


@pytest.mark.parametrize("text", ["", "   ", "...", "?! (-) \u200b", "'"])
def test_letterless_text_is_refused(text: str) -> None:
    with pytest.raises(TextError, match="at least one letter or number") as caught:
        text_to_sequence(text)
    assert (caught.value.character, caught.value.position, caught.value.code_point) == ("", None, None)


def test_text_that_is_letterless_once_dropped_says_so() -> None:
    with pytest.raises(TextError, match="2 unreadable characters dropped"):
        text_to_sequence("🙂🙂", unreadable="drop")


def test_error_survives_a_process_boundary() -> None:
    with pytest.raises(TextError) as caught:
        text_to_sequence("aЖ")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.character, copy.position) == (str(caught.value), "Ж", 1)


def test_wrong_arguments_name_the_right_ones() -> None:
    with pytest.raises(ValueError, match="error, drop"):
        text_to_sequence("a", unreadable="ignore")
    with pytest.raises(LanguageError, match=r"'xx'.*en"):
        normalise("a", "xx")
    for symbol_id in (-1, 60):
        with pytest.raises(ValueError, match=f"symbol id {symbol_id}.*0 to 59"):
            sequence_to_text([symbol_id])


def test_decoding_leaves_padding_and_markers_out() -> None:
    padded = [*text_to_sequence("Hi, S!").ids, 0, 0]
    assert sequence_to_text(padded) == "hi, s!"
    assert PADDING not in PUNCTUATION


def test_configuration_offers_the_registered_languages() -> None:
    choices = {field.name: field.metadata.get("choices", ()) for field in dataclasses.fields(TextParams)}
    assert sorted(choices["language"]) == LANGUAGES
    assert set(choices["unreadable"]) == {"error", "drop"}
