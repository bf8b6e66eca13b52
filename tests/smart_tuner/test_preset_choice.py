"""Which preset suits which recordings and which machine: the table of docs/configuration.md."""

from __future__ import annotations

import pytest

from smart_tuner.config import preset_names
from smart_tuner.messages import Language, render
from smart_tuner.own_recordings import CANDIDATES
from smart_tuner.preset_choice import GIB, LARGE, SMALL, choose_preset


@pytest.mark.parametrize(
    ("hours", "device", "gib", "cores", "preset", "words"),
    [
        (0.0, "cpu", 0, 2, "small", "0 minutes of speech, and the CPU (2 cores)"),
        (1.7, "cpu", 0, 1, "small", "1.7 hours of speech, and the CPU (1 core)"),
        (24.0, "cpu", 0, 128, "small", "ljspeech would take it weeks"),
        (24.0, "cpu", 80, 128, "small", "the CPU"),
        (24.0, "cuda", 3.9, 16, "small", "a GPU of 3.9 GiB: ljspeech needs 7.5 GiB"),
        (24.0, "cuda", 7.4, 16, "small", "ljspeech needs 7.5 GiB"),
        (24.0, "cuda", 7.6, 1, "ljspeech", "24.0 hours of speech on a GPU of 7.6 GiB"),
        (24.0, "cuda", 139, 16, "ljspeech", "enough for the model of the paper"),
        (2.0, "cuda", 24, 16, "ljspeech", "2.0 hours of speech"),
        (1.9, "cuda", 24, 16, "small", "ljspeech needs 2 hours"),
        (0.3, "cuda", 24, 16, "small", "18 minutes of speech on a GPU"),
        (0.3, "cuda", 4, 16, "small", "ljspeech needs 7.5 GiB"),
    ],
)
def test_the_decision_table(
    hours: float, device: str, gib: float, cores: int, preset: str, words: str
) -> None:
    choice = choose_preset(hours, device, gib * GIB, cores)
    assert choice.preset == preset
    assert words in render(choice.reason, Language.EN)


def test_what_is_chosen_exists_and_has_a_use_of_its_own() -> None:
    assert {SMALL, LARGE} <= set(preset_names()) - {"demo", "debug", "probe", "report"}
    assert {SMALL, LARGE} == set(CANDIDATES)
