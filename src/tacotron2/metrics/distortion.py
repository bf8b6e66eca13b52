"""How far a synthesis lies from its recording: mel-cepstral distortion over dynamic time warping.

The cepstra come straight from the log-mel spectrogram (natural logarithm of magnitudes), so the figures are
not comparable with those of a vocoder's mel-cepstra.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from tacotron2.metrics.arrays import Array, MetricsError, as_array, pad_rows

NUM_COEFFICIENTS = 13  # c1 .. c13; c0 is loudness
MCD_FACTOR = 10.0 * math.sqrt(2.0) / math.log(10.0)  # Kubichek 1993: cepstral distance to dB
TRIM_DB = 40.0  # a frame this far below the loudest one counts as silence at both ends
MIDDLE_DB = 25.0  # mel_quality_score is 1/2 here ...
SPREAD_DB = 5.0  # ... and falls from 0.73 to 0.27 within this distance on both sides
CELLS_AT_ONCE = 2**21  # distances held at once by the warping, 8 bytes each


def dct_matrix(num_mels: int) -> Array:
    """Orthonormal DCT-II as a matrix (num_mels, num_mels): row k gives coefficient c_k."""
    order, band = np.arange(num_mels)[:, None], np.arange(num_mels)
    matrix = np.sqrt(2.0 / num_mels) * np.cos(np.pi * order * (band + 0.5) / num_mels)
    matrix[0] /= math.sqrt(2.0)
    return np.asarray(matrix, dtype=np.float64)


def mel_cepstra(log_mel: ArrayLike) -> Array:
    """Coefficients c1 .. c13, (T_mel, 13), of a log-mel spectrogram (T_mel, num_mels).

    Raises:
        MetricsError: not two axes, or fewer than 14 mel bands.
    """
    mel = as_array("log_mel", log_mel, "T_mel, num_mels")
    if mel.shape[1] <= NUM_COEFFICIENTS:
        raise MetricsError(f"log_mel: needs more than {NUM_COEFFICIENTS} mel bands, not {mel.shape[1]}")
    return mel @ dct_matrix(mel.shape[1])[1 : NUM_COEFFICIENTS + 1].T


def trim_quiet_ends(log_mel: ArrayLike) -> Array:
    """The log-mel (T_mel, num_mels) without its quiet ends.

    A frame's level is the power summed over its mel bands; what comes before the first and after the last
    frame within 40 dB of the loudest one goes.
    """
    mel = as_array("log_mel", log_mel, "T_mel, num_mels")
    if mel.size == 0 or not np.isfinite(mel).all():
        return mel
    loudest = mel.max()
    level_db = 10.0 * np.log10(np.exp(2.0 * (mel - loudest)).sum(axis=1) + 1e-300)
    loud = np.flatnonzero(level_db >= level_db.max() - TRIM_DB)
    return mel[loud[0] : loud[-1] + 1]


def dtw_mean_cost(sequences: Sequence[Array], others: Sequence[Array]) -> Array:
    """Mean Euclidean distance along the best warping path, for each pair (sequences[p], others[p]).

    The path goes from both first to both last frames in steps (1, 0), (0, 1), (1, 1) and has the smallest
    sum of distances; of several such paths the shortest counts, so that the result is symmetric.

    Args:
        sequences, others: P arrays (T, D) each, all with at least one frame.

    Returns:
        (P,) sums of distances, each divided by the number of cells of its path.
    """
    if not sequences:
        return np.zeros(0)
    num_rows, num_columns = max(map(len, sequences)), max(map(len, others))
    at_once = max(1, CELLS_AT_ONCE // (num_rows * (num_rows + num_columns)))
    chunks = [slice(start, start + at_once) for start in range(0, len(sequences), at_once)]
    return np.concatenate([_dtw_together(sequences[chunk], others[chunk]) for chunk in chunks])


def _dtw_together(sequences: Sequence[Array], others: Sequence[Array]) -> Array:
    """`dtw_mean_cost` of a few pairs, anti-diagonal by anti-diagonal.

    Cells of an anti-diagonal i + j = k depend only on those of k-1 and k-2, so each is one vector operation
    over all its cells and all pairs. Padding follows a pair's last cell and never flows back into it.
    """
    distances = _skewed_distances(pad_rows(sequences), pad_rows(others))
    num_rows, num_diagonals, num_pairs = distances.shape
    last_row = np.array([len(rows) - 1 for rows in sequences])
    last_diagonal = last_row + [len(rows) - 1 for rows in others]
    # three buffers hold the diagonals k, k-1, k-2; their index 0 is row -1, which no path enters
    total = np.full((3, num_rows + 1, num_pairs), np.inf)
    cells = np.zeros_like(total)
    total[0, 1], cells[0, 1] = distances[0, 0], 1.0
    result = np.where(last_diagonal == 0, total[0, 1], 0.0)
    for k in range(1, num_diagonals):
        low, high = max(0, k - (num_diagonals - num_rows)), min(num_rows, k + 1)
        here, above = slice(low + 1, high + 1), slice(low, high)
        now, before, earlier = k % 3, (k - 1) % 3, (k - 2) % 3
        best = np.minimum(np.minimum(total[before, here], total[before, above]), total[earlier, above])
        fewest = np.full_like(best, np.inf)
        for buffer, rows in ((before, here), (before, above), (earlier, above)):
            np.minimum(fewest, cells[buffer, rows], out=fewest, where=total[buffer, rows] == best)
        total[now, here] = best + distances[low:high, k]
        cells[now, here] = fewest + 1.0
        ended = np.flatnonzero(last_diagonal == k)
        rows_ended = last_row[ended] + 1
        result[ended] = total[now, rows_ended, ended] / cells[now, rows_ended, ended]
    return result


def _skewed_distances(padded: Array, others: Array) -> Array:
    """(T_a, T_a + T_b - 1, P) distances; [i, k] belongs to the frames i and k - i, where both exist.

    Args:
        padded: (P, T_a, D). others: (P, T_b, D).
    """
    (num_pairs, num_rows, _), num_columns = padded.shape, others.shape[1]
    room = np.zeros((num_rows, num_rows + num_columns, num_pairs))
    squares = room[:, :num_columns]
    # pairs last: a slice of one anti-diagonal then reads whole cache lines
    for rows, columns in zip(padded.transpose(2, 1, 0).copy(), others.transpose(2, 1, 0).copy(), strict=True):
        difference = rows[:, None] - columns
        difference *= difference
        squares += difference
    np.sqrt(squares, out=squares)
    # rows of one element less than they were written with: row i moves i places to the right
    num_diagonals = num_rows + num_columns - 1
    return room.reshape(-1, num_pairs)[: num_rows * num_diagonals].reshape(num_rows, num_diagonals, num_pairs)


def _trimmed_cepstra(log_mel: ArrayLike) -> Array | None:
    """None where there is no frame or a value is not finite."""
    mel = as_array("log_mel", log_mel, "T_mel, num_mels")
    if len(mel) == 0 or not np.isfinite(mel).all():
        return None
    return mel_cepstra(trim_quiet_ends(mel))


def mcd_dtw_matrix(syntheses: Sequence[ArrayLike], recordings: Sequence[ArrayLike]) -> Array:
    """`mcd_dtw_db` of every synthesis against every recording, (S, R); NaN where it could not be computed.

    Args:
        syntheses, recordings: log-mel spectrograms (T_mel, num_mels).
    """
    rows = [_trimmed_cepstra(mel) for mel in syntheses]
    columns = [_trimmed_cepstra(mel) for mel in recordings]
    matrix = np.full((len(rows), len(columns)), np.nan)
    usable = [(c, cepstra) for c, cepstra in enumerate(columns) if cepstra is not None]
    for r, cepstra in enumerate(rows):
        if cepstra is not None and usable:
            costs = dtw_mean_cost([cepstra] * len(usable), [other for _, other in usable])
            matrix[r, [c for c, _ in usable]] = MCD_FACTOR * costs
    return matrix


def mcd_dtw_db(synthesis: ArrayLike, recording: ArrayLike) -> float | None:
    """Mel-cepstral distortion in dB between two log-mels (T_mel, num_mels), warped in time, quiet ends cut.

    10 sqrt(2) / ln 10 times the mean distance of the cepstra c1 .. c13 along the best path (Kubichek 1993).
    None where one of them has no frame or a value that is not finite.
    """
    value = float(mcd_dtw_matrix([synthesis], [recording])[0, 0])
    return None if math.isnan(value) else value


def mel_quality_score(mcd_db: float) -> float:
    """0-1 from `mcd_dtw_db`, falling: a logistic curve, 1/2 at MIDDLE_DB (calibration: docs/metrics.md).

    Raises:
        MetricsError: a negative distortion, or one that is not a number.
    """
    if not mcd_db >= 0.0:
        raise MetricsError(f"mcd_db: must be a distortion of at least 0 dB, not {mcd_db}")
    return 0.5 * (1.0 - math.tanh((mcd_db - MIDDLE_DB) / (2.0 * SPREAD_DB)))


def nearest_own_rate(syntheses: Sequence[ArrayLike], recordings: Sequence[ArrayLike]) -> float | None:
    """Share of the syntheses whose nearest recording, by `mcd_dtw_db` among all, is their own (same index).

    Syntheses that cannot be compared are left out; None where none can be, or with fewer than two recordings.

    Raises:
        MetricsError: not as many syntheses as recordings.
    """
    if len(syntheses) != len(recordings):
        raise MetricsError(
            f"syntheses: must be as many as recordings ({len(recordings)}), not {len(syntheses)}"
        )
    matrix = mcd_dtw_matrix(syntheses, recordings)
    own = np.diagonal(matrix)
    comparable = np.isfinite(own)
    if len(matrix) < 2 or not comparable.any():
        return None
    nearest = np.nanmin(matrix[comparable], axis=1)
    return float((own[comparable] <= nearest).mean())
