"""Golden strings of the German normaliser, that no letter is lost, and real transcripts where at hand."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacotron2.text import normalise, text_to_sequence

GOLDEN = [
    ("Straße, STRAẞE, Öl, übel, Ärger, u\u0308ber", "straße, straße, öl, übel, ärger, über"),
    ("0, 1, 21, 100", "null, eins, einundzwanzig, einhundert"),
    ("1.000.000 und 2 500", "eine million und zweitausendfünfhundert"),
    ("3,5 und -5", "drei komma fünf und minus fünf"),
    ("1984, 1100, 2005, 1066", "neunzehnhundertvierundachtzig, elfhundert, zweitausendfünf, "
     "eintausendsechsundsechzig"),
    ("die 1980er Jahre, in den 90ern", "die neunzehnhundertachtziger jahre, in den neunzigern"),
    ("10-20, 1914–1918", "zehn bis zwanzig, neunzehnhundertvierzehn bis neunzehnhundertachtzehn"),
    ("Am 3. Mai 1984", "am dritten mai neunzehnhundertvierundachtzig"),
    ("3. Mai, der 3. Oktober", "dritter mai, der dritte oktober"),
    ("der 3. Mann, im 19. Jahrhundert, ein 2. Versuch", "der dritte mann, im neunzehnten jahrhundert, ein "
     "zweiter versuch"),
    ("die 2. internationale Messe", "die zweite internationale messe"),
    ("Er kam auf Platz 3. Dann ging er.", "er kam auf platz drei. dann ging er."),
    ("12.05.2024", "zwölfter mai zweitausendvierundzwanzig"),
    ("vom 1.2.1999 an", "vom ersten februar neunzehnhundertneunundneunzig an"),
    ("um 14:30 Uhr, 9.15 Uhr, 1:00", "um vierzehn uhr dreißig, neun uhr fünfzehn, ein uhr"),
    ("1 €, 5,50 €, $3, 20 EUR", "ein euro, fünf euro fünfzig, drei dollar, zwanzig euro"),
    ("1 Mio. €, 1,5 Mrd. $, 3 Mio. Menschen", "eine million euro, eins komma fünf milliarden dollar, drei "
     "millionen menschen"),
    ("1 %, 50 %, 3,5%", "ein prozent, fünfzig prozent, drei komma fünf prozent"),
    ("5 km, 1 kg, 100 km/h, 20 °C", "fünf kilometer, ein kilogramm, einhundert kilometer pro stunde, zwanzig "
     "grad celsius"),
    ("Z. B. Äpfel, d. h. Obst, usw. Dann", "zum beispiel äpfel, das heißt obst, und so weiter. dann"),
    ("5usw., 3z.B. Da", "fünf und so weiter, drei zum beispiel da"),
    ("Dr. Müller, Prof. Dr. Kern, Nr. 5", "doktor müller, professor doktor kern, nummer fünf"),
    ("ca. 5, bzw. 6, S. 7", "circa fünf, beziehungsweise sechs, seite sieben"),
    ("44 v. Chr. und 14 n. Chr.", "vierundvierzig vor christus und vierzehn nach christus."),
    ("F&E, § 5, 5+3=8", "f und e, paragraf fünf, fünf plus drei gleich acht"),
    ("„Ja“ – »nein«, Café Čapek", '"ja" - "nein", cafe capek'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), GOLDEN, ids=[text for text, _ in GOLDEN])
def test_golden(text: str, expected: str) -> None:
    assert normalise(text, "de") == expected
    assert normalise(expected, "de") == expected


GERMAN = "abcdefghijklmnopqrstuvwxyzäöüßABDSZÄÖÜẞ"


@given(st.text(alphabet=GERMAN + " ,!?:;„“-()", max_size=60))
def test_no_letter_disappears(text: str) -> None:
    letters = [character for character in text.lower() if character.isalpha()]
    if letters:
        assert [char for char in text_to_sequence(text, "de").text if char.isalpha()] == letters
    assert normalise(unicodedata.normalize("NFD", text), "de") == normalise(text, "de")


@given(st.text(alphabet="0123456789 .,:-%€$°grmkSMio.MaiUhruswzB/", max_size=30))
def test_every_number_is_spelled_out(text: str) -> None:
    once = normalise(text, "de")
    assert not re.search("[0-9]", once)
    assert normalise(once, "de") == once


def transcripts() -> list[str]:
    """Sentences of the Kerstin corpus, from TACOTRON2_KERSTIN or a folder beside the project."""
    project = Path(__file__).parents[3]
    neighbours = [folder / "shared" / "data" / "kerstin-de" for folder in (project, project.parent)]
    named = os.environ.get("TACOTRON2_KERSTIN")
    for folder in [Path(named)] if named else neighbours:
        if (folder / "metadata.csv").is_file():
            lines = (folder / "metadata.csv").read_text(encoding="utf-8").splitlines()
            return [line.partition("|")[2] for line in lines]
    return []


def test_real_transcripts_keep_every_letter() -> None:
    sentences = transcripts()
    if not sentences:
        pytest.skip("no metadata.csv of the Kerstin corpus: name its folder in TACOTRON2_KERSTIN")
    for sentence in sentences:
        encoded = text_to_sequence(sentence, "de")
        assert encoded.dropped == ()
        assert not re.search("[0-9]", encoded.text)
        if not re.search(r"[0-9]|\w\.\s", sentence):
            kept = re.sub(r"[^a-zäöüß]", "", encoded.text)
            plain = "".join(
                char if char in "äöüß" else unicodedata.normalize("NFD", char)[0] for char in sentence.lower()
            )
            assert kept == re.sub(r"[^a-zäöüß]", "", plain)
