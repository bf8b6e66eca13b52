"""A language that does not fit the texts is told with the key to set; one that fits is not doubted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tacotron2.data.advice import other_language
from tacotron2.data.corpus import open_corpus
from tacotron2.data.utterances import DataError
from tests.tacotron2.data.recordings import HPARAMS, ljspeech, names

ENGLISH = ["The old clock is slow.", "A café in Zürich, naïve and small.", "She sold 12 of them.", "Why not?"]
GERMAN = [
    "Die alte Uhr geht zu spät.",
    "Über den Wolken.",
    "Er grüßt schön.",
    "Das ist gut.",
    "Höchst nötig.",
]
FRENCH = ["L'été fut chaud.", "Ça va bien.", "Où est-elle ?", "Le café est bon."]
RUSSIAN = ["Старые часы отстают.", "Ёлка и чай.", "Почему нет?", "Мой дом."]


@pytest.mark.parametrize(
    ("texts", "language", "named"),
    [
        (ENGLISH * 5 + GERMAN[:1], "en", None),
        (ENGLISH, "ru", "en"),
        (GERMAN, "en", "de"),
        (GERMAN, "de", None),
        (GERMAN, "ru", "de"),
        (["Die Uhr geht zu spa\u0308t.", "U\u0308ber den Wolken."], "de", None),
        (FRENCH, "en", None),
        (RUSSIAN, "en", "ru"),
        (RUSSIAN, "de", "ru"),
        (RUSSIAN, "ru", None),
        (["12", "?"], "ru", None),
        ([], "en", None),
    ],
)
def test_the_language_that_has_the_letters(texts: list[str], language: str, named: str | None) -> None:
    told = other_language(texts, language)
    assert told.endswith(f"--set text.language={named}") if named else told == ""


def rewritten(folder: Path, texts: list[str]) -> Path:
    ljspeech(folder)
    lines = [f"{name}|{texts[number % len(texts)]}\n" for number, name in enumerate(names(12))]
    (folder / "metadata.csv").write_text("".join(lines), encoding="utf-8")
    return folder


def test_german_read_as_english_is_a_warning(tmp_path: Path) -> None:
    folder = rewritten(tmp_path / "mine", ["Schön ist die Zeit."])
    corpus = open_corpus(folder, tmp_path / "data", HPARAMS)
    assert corpus.num_clips == 12
    assert "--set text.language=de" in corpus.advice[0]
    german = HPARAMS.replace(language="de")
    assert open_corpus(folder, tmp_path / "data", german).advice == ()


def test_russian_read_as_english_is_an_error_that_names_the_key(tmp_path: Path) -> None:
    folder = rewritten(tmp_path / "mine", ["Старые часы отстают"])
    with pytest.raises(DataError, match="none of 12 clips.*12 unreadable text") as caught:
        open_corpus(folder, tmp_path / "data", HPARAMS)
    assert "Then start with --set text.language=ru" in str(caught.value)
    (table,) = (tmp_path / "data").glob("own-*/rejected.tsv")
    assert "it is a letter of Russian: text.language=ru" in table.read_text(encoding="utf-8")
