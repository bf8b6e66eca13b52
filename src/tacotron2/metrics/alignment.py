"""How well the attention reads the text: the scores of one alignment matrix.

An alignment is `(T_dec, T_text)`: one row of probabilities for each decoder step (reduction factor r: one
step covers r frames), over all symbols of the sentence, the start and end symbols S and E included. Every
score expects true lengths; `batch_alignment_metrics` cuts a padded batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tacotron2.metrics.arrays import Array, MetricsError, as_array, as_lengths

COVERED = 0.5  # a symbol that once gets this probability is fully covered
BAND = 0.1  # half width of the diagonal band, relative to both lengths
ATTENDED = 0.1  # a symbol that never gets this probability was not attended
AWAY = 2  # symbols the attention must move off before a return counts as reading again
MOVE_BACK = 1e-4  # symbols; smaller backward moves of the expected position are rounding


@dataclass(frozen=True)
class AlignmentMetrics:
    """The scores of one utterance; None is a score that could not be computed.

    All are 0-1 except `arrival_step`, the decoder step (from 0) at which the attention arrives at the last
    symbol (None: it never did).
    """

    focus: float | None = None
    diagonality: float | None = None
    monotonicity: float | None = None
    coverage: float | None = None
    path: float | None = None
    alignment: float | None = None
    skip_rate: float | None = None
    repeat_rate: float | None = None
    arrival_step: int | None = None

    def to_dict(self) -> dict[str, float]:
        """The scores under their public names, without those that are absent and without `arrival_step`."""
        named = {
            "attention_focus": self.focus,
            "attention_diagonality": self.diagonality,
            "attention_monotonicity": self.monotonicity,
            "attention_coverage": self.coverage,
            "attention_path": self.path,
            "attention_alignment": self.alignment,
            "skip_rate": self.skip_rate,
            "repeat_rate": self.repeat_rate,
        }
        return {name: value for name, value in named.items() if value is not None}


def alignment_metrics(alignment: ArrayLike) -> AlignmentMetrics:
    """The scores of one unpadded alignment (T_dec, T_text).

    An alignment with a value that is not finite has no scores at all.

    Raises:
        MetricsError: not two axes, or an empty one.
    """
    rows = as_array("alignment", alignment, "T_dec, T_text")
    if rows.size == 0:
        raise MetricsError(f"alignment: needs at least one step and one symbol, not {rows.shape}")
    if not np.isfinite(rows).all():
        return AlignmentMetrics()
    coverage, path = attention_coverage(rows), attention_path(rows)
    return AlignmentMetrics(
        focus=_share(rows.max(axis=1).mean()),
        diagonality=_diagonality(rows),
        monotonicity=_monotonicity(rows),
        coverage=coverage,
        path=path,
        alignment=path * coverage,
        skip_rate=skip_rate(rows),
        repeat_rate=repeat_rate(rows),
        arrival_step=arrival_step(rows),
    )


def batch_alignment_metrics(
    alignments: ArrayLike, dec_lengths: ArrayLike, text_lengths: ArrayLike
) -> list[AlignmentMetrics]:
    """The scores of each utterance of a padded batch.

    Args:
        alignments: (B, T_dec, T_text).
        dec_lengths: (B,) true numbers of decoder steps.
        text_lengths: (B,) true numbers of symbols, S and E included.

    Raises:
        MetricsError: wrong shapes, or a length outside the batch.
    """
    batch = as_array("alignments", alignments, "B, T_dec, T_text")
    num_steps = as_lengths("dec_lengths", dec_lengths, len(batch), batch.shape[1])
    num_symbols = as_lengths("text_lengths", text_lengths, len(batch), batch.shape[2])
    return [
        alignment_metrics(rows[:steps, :symbols])
        for rows, steps, symbols in zip(batch, num_steps, num_symbols, strict=True)
    ]


def attention_coverage(rows: Array) -> float:
    """Mean over the symbols of min(1, largest probability over time / 0.5)."""
    return _share(np.minimum(1.0, rows.max(axis=0) / COVERED).mean())


def attention_path(rows: Array) -> float:
    """Largest mean probability along a monotone path from the first to the last symbol.

    Dynamic programme on the sum of probabilities, after the monotonic alignment search of Glow-TTS (arXiv
    2005.11129). A step moves on by 0 .. max(1, ceil(N/T)) symbols; where even that cannot reach the last
    of N symbols in T steps, by the fewest that can. One step cannot lead over several symbols: 0.
    """
    num_steps, num_symbols = rows.shape
    if num_steps == 1:
        return _share(rows[0, 0]) if num_symbols == 1 else 0.0
    widest = max(1, math.ceil(num_symbols / num_steps), math.ceil((num_symbols - 1) / (num_steps - 1)))
    best = np.full(num_symbols, -np.inf)
    best[0] = rows[0, 0]
    for row in rows[1:]:
        reached = best.copy()
        for move in range(1, widest + 1):
            np.maximum(reached[move:], best[:-move], out=reached[move:])
        best = reached + row
    return _share(best[-1] / num_steps)


def skip_rate(rows: Array) -> float | None:
    """Share of the symbols that were jumped over: never given 0.1, with attended symbols before and after.

    Symbols after the last attended one were not skipped: the reading ended early (`premature_rate`).
    None where fewer than two symbols were attended, because then nothing lies between.
    """
    attended = np.flatnonzero(rows.max(axis=0) >= ATTENDED)
    if len(attended) < 2:
        return None
    between = attended[-1] - attended[0] + 1
    return float((between - len(attended)) / rows.shape[1])


def repeat_rate(rows: Array) -> float | None:
    """Share of the symbols attended again after the path left them.

    The path is the row maximum over time, without the steps at which even that is below 0.1. It left a
    symbol when it moved two or more symbols off, forward or back, so that wavering between neighbours is no
    repetition and each symbol of a word read twice counts. None where no step attends to anything.
    """
    positions = rows.argmax(axis=1)[rows.max(axis=1) >= ATTENDED]
    if len(positions) == 0:
        return None
    # moves of at least AWAY since the last visit: the farthest the path has been between two visits
    distance = np.zeros(rows.shape[1], dtype=np.int64)
    visited, repeated = np.zeros((2, rows.shape[1]), dtype=bool)
    symbols = np.arange(rows.shape[1])
    for position in positions:
        repeated[position] |= visited[position] and distance[position] >= AWAY
        visited[position] = True
        np.maximum(distance, np.abs(symbols - position), out=distance)
        distance[position] = 0
    return float(repeated.mean())


def arrival_step(rows: Array) -> int | None:
    """The first step at which the last symbol (E) has the row maximum.

    Where it never has: the first step that gives it 0.1, since speech may well stop while the attention is
    passing over to the silent E. None if it never gets that: the attention did not arrive.
    """
    last = rows[:, -1]
    attended = last >= ATTENDED
    for arrived in (attended & (last >= rows.max(axis=1)), attended):
        if arrived.any():
            return int(arrived.argmax())
    return None


def _diagonality(rows: Array) -> float | None:
    num_steps, num_symbols = rows.shape
    mass = rows.sum()
    if mass <= 0.0:
        return None
    distance = np.arange(num_symbols) / num_symbols - np.arange(num_steps)[:, None] / num_steps
    return _share(rows[np.abs(distance) <= BAND].sum() / mass)


def _monotonicity(rows: Array) -> float | None:
    mass = rows.sum(axis=1)
    if len(rows) == 1 or (mass <= 0.0).any():
        return None
    expected = rows @ np.arange(rows.shape[1]) / mass
    return float((np.diff(expected) >= -MOVE_BACK).mean())


def _share(value: float) -> float:
    """Rows of single precision sum to 1 only nearly; a share does not leave 0-1 for that."""
    return float(min(1.0, max(0.0, value)))
