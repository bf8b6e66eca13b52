"""When a trial is ended early: at a few validations, at the same work for all, the worst are given up.

Successive halving without waiting (ASHA, arXiv 1810.05934): at a rung a trial goes on if it is among the best
1/factor of all that have come there so far. Rungs lie at 1/factor, 1/factor^2, ... of a trial.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from smart_tuner.tuning.trial_facts import was_cut_off

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.trial import FrozenTrial

FEWEST_COMPARED = 5
"""Trials at a rung, itself included, before one is given up there."""


def rung_steps(max_steps: int, validate_every: int, num_rungs: int, factor: int) -> tuple[int, ...]:
    """The validations at which a trial may be ended, as updates, in their order; never its last one.

    The same validations for every batch size, so the same work. Where they are too few for all rungs, some
    fall together.
    """
    validations = math.ceil(max_steps / validate_every)
    chosen = {max(1, round(validations / factor**power)) for power in range(1, num_rungs + 1)}
    return tuple(validate_every * each for each in sorted(chosen) if each < validations)


def goes_on(score: float, others: Sequence[float], factor: int) -> bool:
    """Whether a trial with this score at a rung goes on; `others`: the scores there of all before it."""
    number = len(others) + 1
    if number < FEWEST_COMPARED:
        return True
    better = sum(other > score for other in others)
    return better < math.ceil(number / factor)


def make_pruner(factor: int) -> BasePruner:
    """The rule as Optuna asks for it. What was enqueued, to compare with, always goes on."""
    from optuna import Study
    from optuna.pruners import BasePruner

    class Rungs(BasePruner):
        def prune(self, study: Study, trial: FrozenTrial) -> bool:
            rung = trial.last_step
            if rung is None or "fixed_params" in trial.system_attrs:
                return False
            others = [
                other.intermediate_values[rung]
                for other in study.get_trials(deepcopy=False)
                if rung in other.intermediate_values
                and other.number != trial.number
                and not was_cut_off(other)
            ]
            return not goes_on(trial.intermediate_values[rung], others, factor)

    return Rungs()


def rank_correlations(trials: Iterable[FrozenTrial]) -> dict[int, float]:
    """Rung to Spearman's correlation of the scores there with the final ones, over trials that were not
    pruned; absent where there are fewer than three."""
    complete = [trial for trial in trials if trial.state.name == "COMPLETE"]
    rungs = sorted({rung for trial in complete for rung in trial.intermediate_values})
    found = {}
    for rung in rungs:
        pairs = [(t.intermediate_values[rung], t.value) for t in complete if rung in t.intermediate_values]
        correlation = spearman([first for first, _ in pairs], [float(last or 0.0) for _, last in pairs])
        if correlation is not None:
            found[rung] = correlation
    return found


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rank correlation, equal values sharing their mean rank; None where it is not defined."""
    import numpy as np

    if len(first) < 3:
        return None
    ranks = np.array([_ranks(first), _ranks(second)])
    if not ranks.std(axis=1).all():
        return None
    return float(np.corrcoef(ranks)[0, 1])


def _ranks(values: Sequence[float]) -> list[float]:
    """1 for the smallest; n log n is not worth its lines for some hundreds."""
    return [sum(other < value for other in values) + (values.count(value) + 1) / 2 for value in list(values)]
