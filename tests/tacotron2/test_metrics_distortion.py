"""Distortion, content and the ranking figure."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st

from tacotron2.metrics import (
    MetricsError,
    dtw_mean_cost,
    free_running_metrics,
    mcd_dtw_db,
    mcd_dtw_matrix,
    mean_metrics,
    mel_cepstra,
    mel_quality_score,
    nearest_own_rate,
    quality,
    trim_quiet_ends,
)
from tacotron2.metrics import distortion as distortion_module


def naive_dtw(first: np.ndarray, second: np.ndarray) -> float:
    """Smallest (sum, number of cells) over all paths, cell by cell; their quotient."""
    cells: dict[tuple[int, int], tuple[float, int]] = {}
    for i in range(len(first)):
        for j in range(len(second)):
            distance = float(np.sqrt(((first[i] - second[j]) ** 2).sum()))
            before = [cells[key] for key in ((i - 1, j), (i, j - 1), (i - 1, j - 1)) if key in cells]
            total, length = min(before, default=(0.0, 0))
            cells[i, j] = (total + distance, length + 1)
    total, length = cells[len(first) - 1, len(second) - 1]
    return total / length


def speech(num_frames: int, seed: int) -> np.ndarray:
    """A log-mel (num_frames, 80) that wanders like speech: smooth in time, loud throughout."""
    rng = np.random.default_rng(seed)
    knots = rng.normal(-4.0, 2.0, (num_frames // 6 + 2, 80))
    at = np.linspace(0, len(knots) - 1, num_frames)
    return np.stack([np.interp(at, np.arange(len(knots)), band) for band in knots.T], axis=1)


def test_cepstra_agree_with_scipy() -> None:
    mel = np.random.default_rng(0).normal(size=(7, 80))
    expected = scipy.fft.dct(mel, type=2, norm="ortho", axis=1)[:, 1:14]
    np.testing.assert_allclose(mel_cepstra(mel), expected, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), min_size=1, max_size=5),
    whole=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_dtw_agrees_with_the_double_loop(lengths: list[tuple[int, int]], whole: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    # whole numbers of one dimension make many paths of equal sum
    draw = (
        (lambda n: rng.integers(0, 3, (n, 1)).astype(float)) if whole else (lambda n: rng.normal(size=(n, 3)))
    )
    firsts, seconds = [draw(n) for n, _ in lengths], [draw(m) for _, m in lengths]
    expected = [naive_dtw(first, second) for first, second in zip(firsts, seconds, strict=True)]
    np.testing.assert_allclose(dtw_mean_cost(firsts, seconds), expected, atol=1e-12)


def test_dtw_in_chunks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    firsts, seconds = (
        [np.random.default_rng(s + n).normal(size=(n, 2)) for n in range(3, 9)] for s in (0, 50)
    )
    together = dtw_mean_cost(firsts, seconds)
    monkeypatch.setattr(distortion_module, "CELLS_AT_ONCE", 1)
    np.testing.assert_array_equal(dtw_mean_cost(firsts, seconds), together)
    assert dtw_mean_cost([], []).shape == (0,)


def test_mcd_is_zero_for_the_same_symmetric_and_blind_to_tempo_and_loudness() -> None:
    one, other = speech(60, 1), speech(50, 2)
    assert mcd_dtw_db(one, one) == 0.0
    assert mcd_dtw_db(one, other) == mcd_dtw_db(other, one)
    assert mcd_dtw_db(np.repeat(one, 2, axis=0), one) == 0.0
    assert mcd_dtw_db(one + 1.5, one) == pytest.approx(0.0, abs=1e-9)


def test_mcd_of_a_known_distance() -> None:
    # one cepstral coefficient off by 1 everywhere: 10 sqrt(2) / ln 10 dB
    mel = np.zeros((9, 80))
    shift = scipy.fft.idct(np.eye(80)[3], type=2, norm="ortho")
    assert mcd_dtw_db(mel + shift, mel) == pytest.approx(10 * np.sqrt(2) / np.log(10))


def test_quiet_ends_are_cut_and_quiet_middles_stay() -> None:
    loud, decibel = speech(40, 3), np.log(10) / 20
    pause = np.concatenate([loud[:20], loud[:10] - 60 * decibel, loud[20:]])
    ends = np.concatenate([pause[:8] - 70 * decibel, pause, pause[-9:] - 70 * decibel])
    np.testing.assert_array_equal(trim_quiet_ends(ends), pause)
    assert mcd_dtw_db(ends, pause) == 0.0
    below_loudest_db = np.array([41.0, 39.0, 0.0, 60.0, 0.0, 41.0])
    steps = np.repeat(-below_loudest_db[:, None] * decibel, 80, axis=1)
    np.testing.assert_array_equal(trim_quiet_ends(steps), steps[1:5])
    floor = np.full((5, 80), np.log(1e-5))
    np.testing.assert_array_equal(trim_quiet_ends(floor), floor)


def test_nearest_own_rate() -> None:
    recordings = [speech(50 + 3 * n, n) for n in range(4)]
    rng = np.random.default_rng(9)
    good = [mel + rng.normal(0, 0.3, mel.shape) for mel in recordings]
    assert nearest_own_rate(good, recordings) == 1.0
    assert nearest_own_rate([good[1], good[0], good[2], good[3]], recordings) == 0.5
    assert nearest_own_rate([good[0]] * 4, recordings) == 0.25
    np.testing.assert_allclose(mcd_dtw_matrix(good[:1], recordings)[0, 2], mcd_dtw_db(good[0], recordings[2]))


def test_what_cannot_be_compared_is_absent() -> None:
    mel, broken, empty = speech(30, 1), np.full((30, 80), np.nan), np.zeros((0, 80))
    assert mcd_dtw_db(broken, mel) is None
    assert mcd_dtw_db(empty, mel) is None
    assert nearest_own_rate([mel, broken], [mel, speech(30, 2)]) == 1.0
    assert nearest_own_rate([broken, broken], [mel, mel]) is None
    assert nearest_own_rate([mel], [mel]) is None
    with pytest.raises(MetricsError, match="syntheses"):
        nearest_own_rate([mel], [mel, mel])
    with pytest.raises(MetricsError, match="mel bands"):
        mel_cepstra(np.zeros((4, 13)))


def test_mel_quality_on_the_calibration_points() -> None:
    assert mel_quality_score(0.0) > 0.99
    assert mel_quality_score(8.0) > 0.96  # worst Griffin-Lim round trip of a recording
    assert mel_quality_score(25.0) == 0.5
    assert mel_quality_score(41.0) < 0.04  # best of another sentence's recording
    with pytest.raises(MetricsError, match="mcd_db"):
        mel_quality_score(float("nan"))


@given(low=st.floats(0, 120), step=st.floats(0.01, 100))
def test_mel_quality_falls(low: float, step: float) -> None:
    assert 0.0 <= mel_quality_score(low + step) < mel_quality_score(low) <= 1.0


FIGURES = {"attention_alignment": 0.8, "mel_quality_score": 0.6, "stop_score": 0.9}


def test_quality_weighs_three_figures_and_is_absent_without_one() -> None:
    assert quality(FIGURES) == pytest.approx(0.45 * 0.8 + 0.35 * 0.6 + 0.2 * 0.9)
    assert quality(dict.fromkeys(FIGURES, 1.0)) == pytest.approx(1.0)
    for name in FIGURES:
        assert quality({key: value for key, value in FIGURES.items() if key != name}) is None


@given(
    values=st.tuples(*[st.floats(0, 1)] * 3),
    name=st.sampled_from(sorted(FIGURES)),
    better=st.floats(0, 1),
)
def test_quality_never_falls_when_a_figure_rises(values: tuple[float, ...], name: str, better: float) -> None:
    figures = dict(zip(FIGURES, values, strict=True))
    before, after = quality(figures), quality(figures | {name: max(figures[name], better)})
    assert before is not None and after is not None
    assert 0.0 <= before <= after <= 1.0 + 1e-12


def test_means_take_only_the_utterances_that_have_a_figure() -> None:
    utterances = [{"a": 1.0, "b": 4.0}, {"a": 0.0}, {}]
    assert mean_metrics(utterances) == {"a": 0.5, "b": 4.0}
    assert mean_metrics([]) == {}


def test_the_figures_of_one_synthesis() -> None:
    mel = speech(40, 4)
    alignment = np.eye(10)[np.repeat(np.arange(10), 2)]
    figures = free_running_metrics(alignment, mel, mel, stopped=True)
    assert figures["attention_alignment"] == 1.0
    assert (figures["mcd_dtw_db"], figures["length_error_frames"], figures["stop_score"]) == (0.0, 0.0, 1.0)
    assert (figures["stop_error_steps"], figures["premature_rate"]) == (1.0, 0.0)
    assert quality(figures) == pytest.approx(1.0, abs=0.01)

    broken = free_running_metrics(np.full((20, 10), np.nan), np.full((40, 80), np.nan), mel, stopped=False)
    assert broken == {"length_error_frames": 0.0, "length_ratio": 1.0, "stop_score": 0.0}
    assert quality(broken) is None
