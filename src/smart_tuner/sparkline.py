"""A curve on one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.-=+*#@"
"""For terminals whose encoding lacks the blocks."""
_RATIO_WORTH_A_LOGARITHM = 3.0


def sparkline(values: Sequence[float], width: int, blocks: str = BLOCKS) -> str:
    """At most `width` characters, the oldest value first; its highest block is the greatest value.

    Positive values of which the greatest is far above the least are drawn by their logarithms: otherwise the
    first steps of a training would leave no height for all later ones.
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite or width < 1:
        return ""
    points = _means(finite, min(width, len(finite)))
    if min(points) > 0 and max(points) / min(points) > _RATIO_WORTH_A_LOGARITHM:
        points = [math.log(value) for value in points]
    lowest, highest = min(points), max(points)
    if highest <= lowest:
        return blocks[len(blocks) // 2] * len(points)
    steps = len(blocks) - 1
    return "".join(blocks[round((value - lowest) / (highest - lowest) * steps)] for value in points)


def _means(values: Sequence[float], count: int) -> list[float]:
    """Of `count` stretches that are as equal as can be."""
    edges = [len(values) * index // count for index in range(count + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
