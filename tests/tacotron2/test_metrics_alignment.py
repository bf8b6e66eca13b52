"""The alignment scores on the golden cases of docs/metrics.md, and what padding must not change."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tacotron2.metrics import (
    AlignmentMetrics,
    MetricsError,
    alignment_metrics,
    attention_path,
    batch_alignment_metrics,
)

SHAPES = ((100, 30), (400, 80))


def hard(positions: np.ndarray, num_symbols: int) -> np.ndarray:
    return np.eye(num_symbols)[positions]


def read(symbols: np.ndarray, num_steps: int, num_symbols: int) -> np.ndarray:
    """A hard alignment that reads these symbols at an even pace."""
    return hard(symbols[np.arange(num_steps) * len(symbols) // num_steps], num_symbols)


def soft(centres: np.ndarray, num_symbols: int, width: float) -> np.ndarray:
    rows = np.exp(-0.5 * ((np.arange(num_symbols) - centres[:, None]) / width) ** 2)
    return rows / rows.sum(axis=1, keepdims=True)


def diagonal(num_steps: int, num_symbols: int, width: float) -> np.ndarray:
    return soft(np.linspace(0, num_symbols - 1, num_steps), num_symbols, width)


def with_pause(num_steps: int, num_symbols: int) -> np.ndarray:
    """Soft, monotone, and a third of the time spent on one symbol in the middle."""
    middle, pause = (num_symbols - 1) // 2, num_steps // 3
    first = (num_steps - pause) // 2
    centres = np.concatenate(
        [
            np.linspace(0, middle, first),
            np.full(pause, middle),
            np.linspace(middle, num_symbols - 1, num_steps - first - pause),
        ]
    )
    return soft(centres, num_symbols, 0.6)


def word(num_symbols: int) -> tuple[int, int]:
    """First symbol and end of a fifth of the text, in its middle."""
    start = num_symbols // 2
    return start, start + round(0.2 * num_symbols)


def skipping(num_steps: int, num_symbols: int) -> np.ndarray:
    start, end = word(num_symbols)
    return read(np.r_[:start, end:num_symbols], num_steps, num_symbols)


def repeating(num_steps: int, num_symbols: int) -> np.ndarray:
    start, end = word(num_symbols)
    return read(np.r_[:end, start:num_symbols], num_steps, num_symbols)


def padded(rows: np.ndarray, fill: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The alignment as a batch of one, of which half is padding in both directions."""
    batch = np.full((1, 2 * rows.shape[0], 2 * rows.shape[1]), fill)
    batch[0, : rows.shape[0], : rows.shape[1]] = rows
    return batch, np.array([rows.shape[0]]), np.array([rows.shape[1]])


@pytest.mark.parametrize(("num_steps", "num_symbols"), SHAPES)
class TestGoldenCases:
    def test_perfect_and_hard(self, num_steps: int, num_symbols: int) -> None:
        scores = alignment_metrics(read(np.arange(num_symbols), num_steps, num_symbols))
        arrival = math.ceil(num_steps * (num_symbols - 1) / num_symbols)
        assert scores == AlignmentMetrics(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, arrival)

    @pytest.mark.parametrize(("width", "expected"), [(0.6, 0.60), (0.9, 0.38), (1.5, 0.15)])
    def test_soft_diagonal(self, num_steps: int, num_symbols: int, width: float, expected: float) -> None:
        scores = alignment_metrics(diagonal(num_steps, num_symbols, width))
        assert scores.alignment == pytest.approx(expected, abs=0.01)
        assert scores.monotonicity == 1.0
        assert scores.diagonality is not None and scores.diagonality > 0.94
        assert (scores.skip_rate, scores.repeat_rate) == (0.0, 0.0)

    def test_soft_with_a_pause(self, num_steps: int, num_symbols: int) -> None:
        scores = alignment_metrics(with_pause(num_steps, num_symbols))
        assert scores.alignment is not None and 0.55 < scores.alignment < 0.70
        assert scores.diagonality is not None and scores.diagonality < 0.9  # only it minds the pause
        assert (scores.monotonicity, scores.skip_rate, scores.repeat_rate) == (1.0, 0.0, 0.0)

    def test_uniform(self, num_steps: int, num_symbols: int) -> None:
        scores = alignment_metrics(np.full((num_steps, num_symbols), 1 / num_symbols))
        assert scores.alignment is not None and scores.alignment < 0.03
        assert (scores.skip_rate, scores.repeat_rate, scores.arrival_step) == (None, None, None)

    @pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
    def test_stuck_on_one_symbol(self, num_steps: int, num_symbols: int, share: float) -> None:
        stuck = np.full(num_steps, round(share * (num_symbols - 1)))
        scores = alignment_metrics(hard(stuck, num_symbols))
        assert scores.alignment is not None and scores.alignment < 0.03
        assert scores.focus == 1.0
        assert scores.skip_rate is None

    @pytest.mark.parametrize("seed", range(5))
    def test_dirichlet_rows(self, num_steps: int, num_symbols: int, seed: int) -> None:
        rows = np.random.default_rng(seed).dirichlet(np.ones(num_symbols), num_steps)
        scores = alignment_metrics(rows)
        assert scores.alignment is not None and scores.alignment < 0.03

    def test_hard_random_rows(self, num_steps: int, num_symbols: int) -> None:
        rng = np.random.default_rng(0)
        scores = [
            alignment_metrics(hard(rng.integers(0, num_symbols, num_steps), num_symbols)) for _ in range(50)
        ]
        alignments = [score.alignment for score in scores if score.alignment is not None]
        # chance finds some monotone path: 0.16 on average in the small shape, 0.09 in the large one
        assert np.mean(alignments) == pytest.approx({30: 0.16, 80: 0.09}[num_symbols], abs=0.01)
        assert max(alignments) < {30: 0.23, 80: 0.15}[num_symbols]
        assert min(score.repeat_rate or 0.0 for score in scores) > 0.5

    def test_reversed(self, num_steps: int, num_symbols: int) -> None:
        scores = alignment_metrics(read(np.arange(num_symbols)[::-1], num_steps, num_symbols))
        assert scores.alignment is not None and scores.alignment < 0.15
        assert scores.coverage == 1.0
        assert scores.diagonality is not None and scores.diagonality < 0.2
        assert scores.monotonicity == pytest.approx(1 - (num_symbols - 1) / (num_steps - 1))

    def test_a_skipped_word(self, num_steps: int, num_symbols: int) -> None:
        scores = alignment_metrics(skipping(num_steps, num_symbols))
        assert scores.alignment is not None and 0.75 <= scores.alignment <= 0.77
        assert scores.skip_rate == pytest.approx(0.2)
        assert scores.repeat_rate == 0.0

    def test_a_repeated_word(self, num_steps: int, num_symbols: int) -> None:
        scores = alignment_metrics(repeating(num_steps, num_symbols))
        assert scores.alignment == pytest.approx({30: 0.860, 80: 0.845}[num_symbols], abs=1e-9)
        assert scores.repeat_rate == pytest.approx(0.2)
        assert scores.skip_rate == 0.0

    @pytest.mark.parametrize("fill", [0.0, 1.0, np.nan])
    def test_padding_changes_nothing(self, num_steps: int, num_symbols: int, fill: float) -> None:
        rng = np.random.default_rng(3)
        for rows in (
            with_pause(num_steps, num_symbols),
            repeating(num_steps, num_symbols),
            rng.dirichlet(np.ones(num_symbols), num_steps),
        ):
            assert batch_alignment_metrics(*padded(rows, fill)) == [alignment_metrics(rows)]


def test_fewer_steps_than_symbols_reach_only_their_share() -> None:
    rows = hard(np.round(np.linspace(0, 45, 25)).astype(int), 46)
    assert alignment_metrics(rows).alignment == pytest.approx(0.54, abs=0.005)


def naive_path(rows: np.ndarray, widest: int) -> float:
    """Every cell from its definition."""
    best = np.full(rows.shape, -np.inf)
    best[0, 0] = rows[0, 0]
    for t in range(1, rows.shape[0]):
        for n in range(rows.shape[1]):
            best[t, n] = rows[t, n] + max(best[t - 1, n - move] for move in range(min(widest, n) + 1))
    return float(best[-1, -1] / len(rows))


@pytest.mark.parametrize(
    ("num_steps", "num_symbols", "widest"),
    [(9, 9, 1), (20, 7, 1), (7, 12, 2), (5, 15, 4), (2, 4, 3)],
)
def test_path_agrees_with_the_naive_programme(num_steps: int, num_symbols: int, widest: int) -> None:
    rows = np.random.default_rng(1).dirichlet(np.ones(num_symbols), num_steps)
    assert attention_path(rows) == pytest.approx(naive_path(rows, widest), abs=1e-12)


def test_the_shortest_utterances() -> None:
    assert alignment_metrics([[1.0]]).alignment == 1.0
    assert alignment_metrics([[1.0]]).monotonicity is None
    assert alignment_metrics([[0.6, 0.4]]).path == 0.0


def test_wavering_between_neighbours_is_no_repetition_but_a_three_symbol_return_is() -> None:
    assert alignment_metrics(hard(np.array([0, 1, 2, 1, 2, 3, 4]), 5)).repeat_rate == 0.0
    assert alignment_metrics(hard(np.array([0, 1, 2, 3, 1, 2, 3, 4]), 5)).repeat_rate == pytest.approx(2 / 5)


def test_an_early_end_is_not_a_skip() -> None:
    scores = alignment_metrics(hard(np.array([0, 1, 3, 4]), 10))
    assert scores.skip_rate == pytest.approx(0.1)
    assert scores.arrival_step is None


@pytest.mark.parametrize(
    ("last_symbol", "expected"),
    [([0, 0.2, 0.9, 1], 2), ([0, 0.05, 0.12, 0.4], 2), ([0, 0.05, 0.09, 0.09], None)],
)
def test_arrival(last_symbol: list[float], expected: int | None) -> None:
    rows = np.zeros((4, 5))
    rows[:, 4], rows[:, 2] = last_symbol, 1 - np.array(last_symbol)
    assert alignment_metrics(rows).arrival_step == expected


def test_what_is_not_finite_has_no_scores() -> None:
    rows = read(np.arange(5), 10, 5)
    rows[3, 2] = np.nan
    assert alignment_metrics(rows) == AlignmentMetrics()
    assert alignment_metrics(rows).to_dict() == {}


@pytest.mark.parametrize(
    ("shape", "dec_lengths", "text_lengths", "named"),
    [
        ((4, 5), [4], [5], "alignments"),
        ((1, 4, 5), [5], [5], "dec_lengths"),
        ((1, 4, 5), [4], [0], "text_lengths"),
        ((2, 4, 5), [4], [5, 5], "dec_lengths"),
        ((1, 4, 5), [4.0], [5], "dec_lengths"),
    ],
)
def test_impossible_inputs_are_named(
    shape: tuple[int, ...], dec_lengths: list[int], text_lengths: list[int], named: str
) -> None:
    with pytest.raises(MetricsError, match=named):
        batch_alignment_metrics(np.zeros(shape), dec_lengths, text_lengths)


def test_a_torch_batch_scores_like_its_arrays() -> None:
    rows = diagonal(40, 12, 0.7).astype(np.float32)
    tensors = (torch.from_numpy(rows)[None], torch.tensor([40]), torch.tensor([12]))
    assert batch_alignment_metrics(*tensors) == [alignment_metrics(rows)]


@settings(max_examples=60, deadline=None)
@given(
    num_steps=st.integers(1, 25),
    num_symbols=st.integers(1, 25),
    concentration=st.sampled_from([0.01, 0.1, 1.0]),
    seed=st.integers(0, 10_000),
)
def test_every_score_is_a_share(num_steps: int, num_symbols: int, concentration: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.full(num_symbols, concentration), num_steps).astype(np.float32)
    scores = alignment_metrics(rows).to_dict()
    assert {"attention_focus", "attention_coverage", "attention_path", "attention_alignment"} <= scores.keys()
    assert all(0.0 <= value <= 1.0 for value in scores.values())
