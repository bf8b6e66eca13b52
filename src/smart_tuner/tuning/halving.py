"""Successive halving for one run: several settings begin it, the best of them goes on. Pure.

Every candidate trains with the schedule of the whole training and is paused at the first rung; the best
third goes on to the second; the survivor simply goes on. Nothing that the survivor has learned is lost.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smart_tuner.tuning.dimensions import Dimension
from smart_tuner.tuning.search_space import SearchSpace

SURVIVING_SHARE = 1 / 3
FEWEST = 3
"""Candidates of which at least one is neither the report's nor the preset's values."""
MOST_WARM = 9
"""Candidates that begin with common weights: further ones are hardly worth their time."""
SPREAD = 0.15
"""Standard deviation of a neighbour, as a share of a dimension's range (of its logarithm where it is a log
dimension): near enough to the preset to train, far enough to differ."""
KEPT_CHOICE = 0.75
"""Probability with which a neighbour keeps the preset's choice."""


@dataclass(frozen=True)
class Candidate:
    """Values that were tried: `seconds` they have cost, and their best score at each rung reached."""

    params: Mapping[str, Any]
    seconds: float = 0.0
    scores: tuple[float | None, ...] = ()
    """None: it could not be judged, or failed."""


def survivors(candidates: Sequence[Candidate], rung: int) -> list[int]:
    """Who goes on after a rung (0 is the first): a third of those that came to it, the best first."""
    there = [
        (score, -index)
        for index, each in enumerate(candidates)
        if len(each.scores) > rung and (score := each.scores[rung]) is not None
    ]
    reached = sum(len(each.scores) > rung for each in candidates)
    kept = math.ceil(reached * SURVIVING_SHARE)
    return [-index for _, index in sorted(there, reverse=True)[:kept]]


def another_fits(candidates: Sequence[Candidate], seconds: float) -> bool:
    """Whether a further candidate, and all that follows from it, ends within the time.

    The dearest of those before is taken as its cost, and as that of going on to the second rung.
    """
    if not candidates:
        return True
    cost = max(each.seconds for each in candidates)
    spent, number = sum(each.seconds for each in candidates), len(candidates) + 1
    return spent + cost * (1 + math.ceil(number * SURVIVING_SHARE)) <= seconds


def affordable(max_steps: int, validate_every: int, warm_steps: int, share: float) -> int:
    """How many candidates, one validation long each, a training bears beside a common beginning of
    `warm_steps`, if all of it is to cost a share of its updates at most; 0 where they are too few to choose.
    """
    number = min(MOST_WARM, math.floor((share * max_steps - warm_steps) / validate_every))
    return number if number >= FEWEST else 0


def neighbour(space: SearchSpace, around: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Values near others: the same for the same seed, inside the bounds."""
    source = random.Random(seed)
    return {each.leaf: _near(each, around[each.leaf], source) for each in space.dimensions}


def _near(dimension: Dimension, value: Any, source: random.Random) -> Any:
    if dimension.kind == "choice":
        return value if source.random() < KEPT_CHOICE else source.choice(dimension.choices)
    low, high = dimension.low, dimension.high
    if dimension.log:
        place = math.log(value / low) / math.log(high / low)
    else:
        place = (value - low) / (high - low)
    place = abs(place + source.gauss(0.0, SPREAD))  # what would lie outside is mirrored
    place = max(0.0, 1.0 - abs(1.0 - place))
    found = low * (high / low) ** place if dimension.log else low + (high - low) * place
    return round(found) if dimension.kind == "int" else float(min(high, max(low, found)))
