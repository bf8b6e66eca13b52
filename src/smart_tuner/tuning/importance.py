"""Which hyper-parameters mattered in a study: PED-ANOVA (Watanabe et al., arXiv 2304.10255)."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna import Study

FEWEST_TRIALS = 10
"""Complete trials of different values below which the figures would be chance."""
EVALUATOR = "PED-ANOVA"
TOP_SHARE = 0.25
"""What is explained is how the best quarter differs from all: a tenth of a short study is too few."""

LEAST_DIFFERENCE = 1e-9
"""Between the largest share and the smallest: shares that are all the same say nothing."""


def comparable_trials(study: Study) -> int:
    """Complete trials, those of the same values counted once."""
    complete = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]
    return len({tuple(sorted(trial.params.items())) for trial in complete})


def importances(study: Study) -> dict[str, float]:
    """Hyper-parameter to its share in the difference between the best trials and all, the largest first.

    They sum to 1. Empty below `FEWEST_TRIALS`, and where nothing made a difference.
    """
    if comparable_trials(study) < FEWEST_TRIALS:
        return {}
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental; and where all are equally good, which we tell below
        evaluator = PedAnovaImportanceEvaluator(target_quantile=TOP_SHARE)
        found = get_param_importances(study, evaluator=evaluator)
    told_apart = len(found) == 1 or max(found.values()) - min(found.values()) > LEAST_DIFFERENCE
    if not told_apart or not all(math.isfinite(value) for value in found.values()):
        return {}
    return {name: float(value) for name, value in sorted(found.items(), key=lambda item: -item[1])}
