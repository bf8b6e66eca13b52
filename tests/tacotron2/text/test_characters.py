"""Unicode to readable characters: what maps to what, and that no letter is lost on the way."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from tacotron2.text import TextError, normalise, text_to_sequence
from tacotron2.text.characters import CHARACTER_TABLE, read_characters
from tacotron2.text.english import LANGUAGE

CASES = [
    ("well\u2010known, non\u2011breaking, one\u2013to\u2013one", "well-known, non-breaking, one-to-one"),
    ("a pause\u2014and more", "a pause - and more"),
    ("«Oui» ‹non› „ja“ “yes” ‘no’ ‚so‘ `x´ it’s", '"oui" "non" "ja" "yes" \'no\' \'so\' \'x\' it\'s'),
    ("[a] {b} ⟨c⟩", "(a) (b) (c)"),
    ("wait… what", "wait... what"),
    ("non\u00a0breaking\u2009thin\tspace\n\r\nline", "non breaking thin space line"),
    ("soft\u00adhyphen zero\u200bwidth \ufeffmark", "softhyphen zerowidth mark"),
    ("Café NAÏVE Ångström résumé", "cafe naive angstrom resume"),
    ("Straße ẞ Müller Čapek", "strasse ss muller capek"),
    ("Łódź smørrebrød Đorđe ħ", "lodz smorrebrod dorde h"),
    ("Æsop œuvre þorn ðu ŋ ıi ﬁne ŉ ĳ", "aesop oeuvre thorn thu ng ii fine 'n ij"),
    ("e\u0301 and é, a\u0323\u0302 and ậ", "e and e, a and a"),
    ("Ｆｕｌｌ ｗｉｄｔｈ １２", "full width twelve"),
    ("word¹ H₂O m²", "word one h two o m squared"),
    ("¡Hola! ¿Qué?", "hola! que?"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_golden(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("text", "character", "position"),
    [
        ("Привет", "П", 0),
        ("ab🙂", "🙂", 2),
        ("nul\x00", "\x00", 3),
        ("5 and ٣", "٣", 6),
        ("lone \ud800", "\ud800", 5),
        ("\u0301a stray accent", "\u0301", 0),
        ("u\u0364 has a letter on top", "\u0364", 1),
        ("a ¨ alone", "¨", 2),
        ("$5 costs 1234 §Ω", "Ω", 15),
    ],
)
def test_unreadable_character_is_named(text: str, character: str, position: int) -> None:
    with pytest.raises(TextError) as caught:
        text_to_sequence(text)
    error = caught.value
    assert (error.character, error.position, error.code_point) == (character, position, ord(character))
    assert f"U+{ord(character):04X}" in str(error)
    assert f"position {position}" in str(error)
    assert "abcdefghijklmnopqrstuvwxyz" in str(error)
    assert "text.unreadable=drop" in str(error)


def test_every_letter_of_unicode_is_read_as_a_letter_or_reported() -> None:
    letters = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] == "L"]
    lost = [
        letter
        for letter in letters
        for reading in read_characters(letter, LANGUAGE.readable)
        if reading is not None and not any(character.isalpha() for character in reading)
    ]
    # These few are letters in name only: Unicode's apostrophes and primes for transliteration.
    assert set(lost) == {"\u02b9", "\u02ba", "\u02bb", "\u02bc", "\u0374"}
    assert set(lost) - {"\u0374"} <= set(CHARACTER_TABLE)


def test_most_latin_letters_are_read() -> None:
    latin = "".join(chr(code) for code in range(0xC0, 0x180) if chr(code).isalpha())
    assert None not in read_characters(latin, LANGUAGE.readable)
