"""Dynamic time warping of long recordings: a band around the diagonal, memory of one byte for each cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]
"""(T, D)."""
STRAIGHT, DOWN, RIGHT = 0, 1, 2
"""How a cell was reached: both moved on, the first alone, the second alone."""
ALONE = 0.3
"""What a step costs in which one of them stands still, in mean distances of two frames: a path as straight
as the sounds allow."""


def warping_path(rows: Features, columns: Features, width: int) -> NDArray[np.int64]:
    """The cheapest path from both first to both last frames, with `abs(i - j) <= width` on every cell.

    Cells of an anti-diagonal i + j = k depend on those of k - 1 and k - 2 alone, and each is one vector
    operation; arrays are indexed by the offset i - j.

    Args:
        rows, columns: (T, D) and (U, D); `width` must be at least abs(T - U).

    Returns:
        (P, 2) indices (i, j), rising.
    """
    num_rows, num_columns = len(rows), len(columns)
    offsets = 2 * width + 1
    alone = np.float32(ALONE * _typical(rows, columns))
    moves = np.zeros((num_rows + num_columns - 1, width + 1), dtype=np.uint8)
    costs = np.full((3, offsets + 2), np.inf, dtype=np.float32)  # index 0 and the last: outside of the band
    reversed_columns = np.ascontiguousarray(columns[::-1])
    for k in range(num_rows + num_columns - 1):
        now, before, earlier = costs[k % 3], costs[(k - 1) % 3], costs[(k - 2) % 3]
        low, high = _band(k, num_rows, num_columns, width)
        now.fill(np.inf)
        if low > high:
            continue
        here = slice(low + width + 1, high + width + 2, 2)
        first, last = (k + low) // 2, (k + high) // 2
        start = num_columns - 1 - (k - low) // 2
        difference = rows[first : last + 1] - reversed_columns[start : start + last - first + 1]
        distance = np.sqrt(np.einsum("td,td->t", difference, difference))
        if k == 0:
            now[here] = distance
            continue
        # A straight step covers two anti-diagonals: it pays for its cell twice, as two single ones would.
        straight = earlier[here] + distance
        down = before[low + width : high + width + 1 : 2] + alone
        right = before[low + width + 2 : high + width + 3 : 2] + alone
        best = np.minimum(np.minimum(straight, down), right)
        chosen = np.where(straight <= best, STRAIGHT, np.where(down <= best, DOWN, RIGHT))
        moves[k, (low + width) // 2 : (high + width) // 2 + 1] = chosen
        now[here] = best + distance
    return _backwards(moves, num_rows, num_columns, width)


def _typical(rows: Features, columns: Features) -> float:
    """The mean distance of frames that have nothing to do with each other."""
    generator = np.random.default_rng(0)
    some = generator.integers(len(rows), size=1000), generator.integers(len(columns), size=1000)
    return float(np.linalg.norm(rows[some[0]] - columns[some[1]], axis=1).mean())


def _band(k: int, num_rows: int, num_columns: int, width: int) -> tuple[int, int]:
    """The least and the greatest offset of the anti-diagonal k, both of the parity of k."""
    low = max(-width, k - 2 * (num_columns - 1), -k)
    high = min(width, 2 * (num_rows - 1) - k, k)
    return low + (low - k) % 2, high - (high - k) % 2


def _backwards(moves: NDArray[np.uint8], num_rows: int, num_columns: int, width: int) -> NDArray[np.int64]:
    i, j = num_rows - 1, num_columns - 1
    path = [(i, j)]
    while i or j:
        move = moves[i + j, (i - j + width) // 2]
        i -= move != RIGHT
        j -= move != DOWN
        path.append((int(i), int(j)))
    return np.array(path[::-1], dtype=np.int64)
