"""Word forms against tables of English."""

from __future__ import annotations

import pytest

from tacotron2.data.english.inflection import choose_articles, noun_forms, verb_forms


@pytest.mark.parametrize(
    ("entry", "plural"),
    [
        ("cat", "cats"),
        ("fox", "foxes"),
        ("bench", "benches"),
        ("dish", "dishes"),
        ("city", "cities"),
        ("toy", "toys"),
        ("mouse/mice", "mice"),
        ("sheep/sheep", "sheep"),
    ],
)
def test_plurals(entry: str, plural: str) -> None:
    assert noun_forms(entry) == {"": entry.partition("/")[0], "s": plural}


@pytest.mark.parametrize(
    ("entry", "forms"),
    [
        ("mend", "mends mended mended mending"),
        ("bake", "bakes baked baked baking"),
        ("agree", "agrees agreed agreed agreeing"),
        ("dye", "dyes dyed dyed dyeing"),
        ("tie", "ties tied tied tying"),
        ("hop", "hops hopped hopped hopping"),
        ("squat", "squats squatted squatted squatting"),
        ("quiz/quizzed", "quizzes quizzed quizzed quizzing"),
        ("fix", "fixes fixed fixed fixing"),
        ("cook", "cooks cooked cooked cooking"),
        ("visit", "visits visited visited visiting"),
        ("cry", "cries cried cried crying"),
        ("play", "plays played played playing"),
        ("wash", "washes washed washed washing"),
        ("go/went/gone", "goes went gone going"),
        ("run/ran/run", "runs ran run running"),
        ("buy/bought", "buys bought bought buying"),
    ],
)
def test_verbs(entry: str, forms: str) -> None:
    assert " ".join(verb_forms(entry)[form] for form in ("s", "ed", "en", "ing")) == forms


def test_articles() -> None:
    before = "A owl and a cat met a honest knight, a uniform, a uncle, a hour and a useful egg"
    after = "An owl and a cat met an honest knight, a uniform, an uncle, an hour and a useful egg"
    assert choose_articles(before) == after
    assert choose_articles("an anchor for Anna") == "an anchor for Anna"
