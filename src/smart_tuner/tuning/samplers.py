"""Who proposes the next trial: CMA-ES where the budget allows it, else TPE, or chance.

`bayesian` is CMA-ES (Hansen, arXiv 1604.00772) on what is continuous; choices come from TPE; the first trials
are drawn by chance. The evolution moves only when a whole population has been told: a study too short for two
of them is searched by multivariate TPE, and says so.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smart_tuner.messages import Message, TuningPhrase
from smart_tuner.tuning.search_space import SearchSpace
from smart_tuner.tuning.settings import TuningSettings
from smart_tuner.tuning.trial_facts import Fact, is_answer

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

FIRST_TRIALS = 2
"""The report's and the preset's values: they are told to CMA-ES as its first trials are."""
FEWEST_GENERATIONS = 2
GENERATION = "cma:generation"
"""Where Optuna's sampler notes the generation of a trial."""


@dataclass(frozen=True)
class SamplerPlan:
    """What a study is searched with, and why."""

    kind: str
    """cma-es, tpe or random."""
    startup: int
    population: int
    why: Message


def plan_sampler(settings: TuningSettings, space: SearchSpace, trials: int) -> SamplerPlan:
    """The sampler for a budget of so many trials. Pure."""
    startup, population = settings.startup_trials, settings.population
    if settings.sampler == "random":
        return SamplerPlan("random", 0, 0, TuningPhrase.SAMPLER_RANDOM())
    if settings.sampler == "tpe":
        return SamplerPlan("tpe", startup, 0, TuningPhrase.SAMPLER_TPE())
    if all(each.kind == "choice" for each in space.dimensions):
        return SamplerPlan("tpe", startup, 0, TuningPhrase.SAMPLER_NOTHING_CONTINUOUS())
    needed = max(startup, FIRST_TRIALS) + FEWEST_GENERATIONS * population
    if trials < needed:
        return SamplerPlan("tpe", startup, 0, TuningPhrase.SAMPLER_TOO_FEW(trials=trials, needed=needed))
    told = TuningPhrase.SAMPLER_CMA(population=population, startup=startup)
    return SamplerPlan("cma-es", startup, population, told)


def make_sampler(plan: SamplerPlan, seed: int, around: Mapping[str, Any]) -> BaseSampler:
    """The sampler of one worker.

    Args:
        plan: from `plan_sampler`.
        seed: another one for each worker of a study, or they would propose the same.
        around: where CMA-ES begins, by name; once it has begun, it goes on from what the study keeps.
    """
    from optuna.samplers import CmaEsSampler, RandomSampler, TPESampler

    if plan.kind == "random":
        return RandomSampler(seed=seed)
    with warnings.catch_warnings():
        # Multivariate TPE and pruned trials in CMA-ES are called experimental, `x0` deprecated from release 6
        # on; the release is pinned, and nothing else puts the mean where training works at all.
        warnings.simplefilter("ignore")
        if plan.kind == "tpe":
            return TPESampler(n_startup_trials=plan.startup, multivariate=True, seed=seed)
        return CmaEsSampler(
            x0=dict(around),
            n_startup_trials=plan.startup,
            independent_sampler=TPESampler(n_startup_trials=plan.startup, seed=seed),
            warn_independent_sampling=False,
            consider_pruned_trials=True,
            popsize=plan.population,
            seed=seed,
        )


def before_evolution(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that CMA-ES did not propose: it begins around the best of them, and until its first
    generation is told, that must be the same for all who propose."""
    return [trial for trial in trials if GENERATION not in trial.system_attrs]


def has_begun(trials: Iterable[FrozenTrial]) -> bool:
    """Whether CMA-ES has proposed a trial."""
    return any(GENERATION in trial.system_attrs for trial in trials)


def proposer(trial: FrozenTrial, plan: SamplerPlan, answered: int) -> str:
    """Who proposed a trial: enqueued, random, start-up, tpe, or cma-es:G for the generation G.

    Args:
        trial: as it was proposed just now. One that goes on under another number keeps its first proposer.
        plan: of the study.
        answered: trials of the study that are complete or pruned: by their number TPE begins.
    """
    if "fixed_params" in trial.system_attrs:
        return "enqueued"
    if "failed_trial" in trial.system_attrs and Fact.PROPOSER in trial.user_attrs:
        return str(trial.user_attrs[Fact.PROPOSER])
    if plan.kind == "random":
        return "random"
    generation = trial.system_attrs.get(GENERATION)
    if generation is not None:
        return f"cma-es:{generation}"
    return "start-up" if plan.kind == "cma-es" or answered < plan.startup else "tpe"


def completed_generations(trials: Iterable[FrozenTrial], plan: SamplerPlan) -> int:
    """Generations of CMA-ES of which a whole population has been told: from the first on it is active."""
    told = Counter(
        trial.system_attrs[GENERATION]
        for trial in trials
        if GENERATION in trial.system_attrs and is_answer(trial)
    )
    return sum(count >= plan.population for count in told.values())
