"""What every metric expects of its inputs: shapes and true lengths; padding counts for nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class MetricsError(ValueError):
    """An input has the wrong shape or an impossible length; the message names it and what would be right."""


def as_array(name: str, value: ArrayLike, shape: str) -> Array:
    """The value in double precision; `shape` names its axes, as in `"B, T_dec"`.

    A torch tensor is accepted if it is on the CPU, detached and not bf16.

    Raises:
        MetricsError: the number of axes differs.
    """
    array = np.asarray(value, dtype=np.float64)
    if array.ndim != shape.count(",") + 1:
        raise MetricsError(f"{name}: must have the shape ({shape}), not {array.shape}")
    return array


def as_lengths(name: str, lengths: ArrayLike, num: int, longest: int) -> NDArray[np.int64]:
    """The true lengths (num,) of a padded batch.

    Raises:
        MetricsError: not one whole number of 1..longest per row.
    """
    array = np.asarray(lengths)
    if array.shape != (num,) or not np.issubdtype(array.dtype, np.integer):
        raise MetricsError(f"{name}: must be {num} whole numbers, not {array.dtype} of shape {array.shape}")
    if num and (array.min() < 1 or array.max() > longest):
        raise MetricsError(f"{name}: must be in 1..{longest}, not {array.min()}..{array.max()}")
    return array.astype(np.int64)


def valid_positions(lengths: NDArray[np.int64], longest: int) -> NDArray[np.bool_]:
    """(B, longest): true where a row is not padding."""
    return np.asarray(np.arange(longest) < lengths[:, None])


def pad_rows(rows: Sequence[Array]) -> Array:
    """Sequences (T_i, D) as one zero-padded batch (B, max T_i, D)."""
    padded = np.zeros((len(rows), max(len(row) for row in rows), rows[0].shape[1]))
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    return padded
