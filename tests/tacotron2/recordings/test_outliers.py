"""What is odd is found where it was put, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from tacotron2.recordings.outliers import FEWEST, Oddity, oddities, usual_seconds

COUNT = 200


def ordinary(count: int = COUNT, seed: int = 0) -> tuple[dict[str, list[float]], list[int]]:
    generator = np.random.default_rng(seed)
    symbols = generator.integers(20, 120, size=count)
    seconds = (0.3 + symbols / 16.0) * np.exp(generator.normal(scale=0.07, size=count))
    return {
        "level_db": list(generator.normal(-24.0, 2.0, count)),
        "snr_db": list(generator.normal(40.0, 4.0, count)),
        "pause_share": list(np.abs(generator.normal(0.05, 0.02, count))),
        "bandwidth_hz": list(generator.normal(10_500.0, 50.0, count)),
        "clipped_share": [0.0] * count,
        "leading_seconds": [0.1] * count,
        "trailing_seconds": [0.1] * count,
        "speech_seconds": list(seconds),
    }, symbols.tolist()


@pytest.mark.parametrize(
    ("measure", "value", "oddity"),
    [
        ("level_db", -10.0, Oddity.LOUD),
        ("level_db", -45.0, Oddity.QUIET),
        ("snr_db", 12.0, Oddity.NOISY),
        ("pause_share", 0.5, Oddity.PAUSES),
        ("bandwidth_hz", 4_000.0, Oddity.NARROW),
        ("clipped_share", 0.005, Oddity.CLIPPED),
        ("leading_seconds", 1.5, Oddity.SILENCE),
        ("trailing_seconds", 1.5, Oddity.SILENCE),
        ("speech_seconds", 20.0, Oddity.TOO_LONG),
        ("speech_seconds", 0.5, Oddity.TOO_SHORT),
    ],
)
def test_each_oddity_is_found(measure: str, value: float, oddity: Oddity) -> None:
    measures, symbols = ordinary()
    assert oddities(measures, symbols, [""] * COUNT) == []
    measures[measure][17] = value
    symbols[17] = 60
    found = oddities(measures, symbols, [""] * COUNT)
    assert [(each.clip, each.oddity) for each in found if each.oddity is oddity] == [(17, oddity)]
    assert found[0].severity > 1.0


def test_wrong_texts_do_not_draw_the_line() -> None:
    measures, symbols = ordinary()
    true = np.asarray(symbols, dtype=float)
    wrong = true.copy()
    wrong[: COUNT // 4] = true[: COUNT // 4][::-1] * 2
    clean = usual_seconds(np.asarray(measures["speech_seconds"]), true)
    assert usual_seconds(np.asarray(measures["speech_seconds"]), wrong)[50:] == pytest.approx(
        clean[50:], rel=0.05
    )


def test_a_slow_speaker_is_no_outlier_beside_a_fast_one() -> None:
    measures, symbols = ordinary()
    measures["speech_seconds"] = [
        seconds * (2.0 if index % 4 == 0 else 1.0) for index, seconds in enumerate(measures["speech_seconds"])
    ]
    speakers = ["slow" if index % 4 == 0 else "fast" for index in range(COUNT)]
    assert oddities(measures, symbols, speakers) == []
    assert oddities(measures, symbols, [""] * COUNT) != []


def test_of_few_clips_nothing_is_usual() -> None:
    measures, symbols = ordinary(FEWEST - 1)
    measures["level_db"][0] = 0.0
    assert oddities(measures, symbols, [""] * len(symbols)) == []
