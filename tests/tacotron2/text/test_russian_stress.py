"""Stress put into Russian words by the speech library, in real child processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tacotron2.data.grammars import find_grammar
from tacotron2.text import StressError, text_to_sequence, with_stress
from tacotron2.text.russian import to_cyrillic
from tacotron2.text.symbols import STRESS_MARK

pytest.importorskip("espeakng_loader")


def stressed(*texts: str, dictionary: dict[str, str] | None = None) -> list[str]:
    """Read back in Cyrillic."""
    encoded = [text_to_sequence(text, "ru", dictionary=dictionary or {}) for text in texts]
    return [to_cyrillic(made.text) for made in with_stress(encoded, "ru")]


@pytest.mark.parametrize(
    "expected",
    [
        "молоко́",
        "большо́й",
        "челове́к",
        "каранда́ш",
        "ча́йник",
        "хорошо́",
        "воробе́й",
        "календа́рь",
        "го́рький",
        "курье́р",
        "объявле́ние",
        "яйцо́",
    ],
)
def test_known_words(expected: str) -> None:
    assert stressed(expected.replace(STRESS_MARK, "")) == [expected]


def test_words_that_need_no_mark_stay_as_they_are() -> None:
    untouched = "дом, ёлка и съёмка; windows"
    assert stressed(untouched) == [to_cyrillic(text_to_sequence(untouched, "ru").text)]


def test_a_mark_of_the_user_wins() -> None:
    library = stressed("замок")[0]
    other = "за́мок" if library == "замо́к" else "замо́к"
    assert {library, other} == {"за́мок", "замо́к"}
    assert stressed(other) == [other]
    assert stressed("замок", dictionary={"замок": other}) == [other]


def test_numbers_and_abbreviations_are_stressed_in_words() -> None:
    assert stressed("25 ул. 1984 год")[0].startswith("два́дцать пять у́лица")


def test_only_marks_are_added_and_one_to_a_word() -> None:
    vocabulary = find_grammar("ru").load_vocabulary()
    words = sorted({form for pool in vocabulary.values() for entry in pool for form in entry.spellings})
    plain = [text_to_sequence(word, "ru") for word in words]
    marked = with_stress(plain, "ru")
    assert [made.text.replace(STRESS_MARK, "") for made in marked] == [made.text for made in plain]
    assert max(made.text.count(STRESS_MARK) for made in marked) == 1
    several = [made.text for made in marked if "ö" not in made.text and _num_vowels(made.text) > 1]
    assert sum(STRESS_MARK in text for text in several) >= 0.999 * len(several) > 10_000
    assert all(made.dropped == () and len(made.ids) == len(made.text) + 2 for made in marked)
    assert with_stress(marked, "ru") == marked


def _num_vowels(text: str) -> int:
    return sum(letter in "аеёиоуыэюя" for letter in to_cyrillic(text))


def test_without_the_library_the_error_says_what_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "espeakng_loader.py").write_text("raise ImportError", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(StressError, match=r"package espeakng-loader is not installed.*text\.stress=marks"):
        stressed("молоко")
    assert stressed("дом") == ["дом"]
    (tmp_path / "espeakng_loader.py").write_text("import os; os._exit(7)", encoding="utf-8")
    with pytest.raises(StressError, match=r"exit code 7.*text\.stress=marks"):
        stressed("молоко")


def test_a_language_without_stress_marks() -> None:
    with pytest.raises(ValueError, match="language='de'"):
        with_stress([text_to_sequence("Milch", "de")], "de")
