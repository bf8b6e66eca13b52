"""Numbers, sizes, durations and plural forms of both languages."""

from __future__ import annotations

import pytest

from smart_tuner.messages.language import Language, duration, number, plural, size

STEPS = ("шаг", "шага", "шагов")


@pytest.mark.parametrize(
    ("counts", "form"),
    [
        ((1, 21, 31, 101, 121, 1001, 1_000_021), "шаг"),
        ((2, 3, 4, 22, 24, 33, 102, 1004), "шага"),
        ((0, 5, 9, 10, 11, 12, 13, 14, 15, 19, 20, 25, 100, 111, 112, 114, 211, 1000, 1011), "шагов"),
        ((0.0, 0.5, 1.0, 1.5, 5.0), "шага"),
    ],
)
def test_russian_plurals(counts: tuple[float, ...], form: str) -> None:
    assert [plural(count, STEPS, Language.RU) for count in counts] == [form] * len(counts)


def test_english_plurals() -> None:
    counts = (0, 1, 2, 21, 1.0, 1.5)
    forms = ["steps", "step", "steps", "steps", "step", "steps"]
    assert [plural(count, ("step", "steps"), Language.EN) for count in counts] == forms


@pytest.mark.parametrize(
    ("value", "spec", "english", "russian"),
    [
        (12345.678, ",.1f", "12,345.7", "12\u00a0345,7"),
        (2_000_000, ",", "2,000,000", "2\u00a0000\u00a0000"),
        (0.5, ".2f", "0.50", "0,50"),
        (0.795, ".1%", "79.5%", "79,5\u00a0%"),
        (1e-3, ".2e", "1.00e-03", "1,00e-03"),
        (1000, "", "1000", "1000"),
        (-0.25, "g", "-0.25", "-0,25"),
    ],
)
def test_numbers(value: float, spec: str, english: str, russian: str) -> None:
    assert number(value, spec, Language.EN) == english
    assert number(value, spec, Language.RU) == russian


def test_sizes() -> None:
    assert size(2.5 * 2**30, "GiB", Language.EN) == "2.5 GiB"
    assert size(2.5 * 2**30, "GiB", Language.RU) == "2,5 ГиБ"
    assert size(2**40, "MiB", Language.RU) == "1\u00a0048\u00a0576 МиБ"


def test_durations_are_read_at_a_glance() -> None:
    seconds = (0.0, 0.4, 89, 95, 3600, 12_000)
    english = ["0 s", "1 s", "89 s", "2 min", "60 min", "3 h 20 min"]
    russian = ["0 с", "1 с", "89 с", "2 мин", "60 мин", "3 ч 20 мин"]
    assert [duration(each, Language.EN) for each in seconds] == english
    assert [duration(each, Language.RU) for each in seconds] == russian
