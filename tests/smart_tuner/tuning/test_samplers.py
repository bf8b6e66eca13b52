"""Who proposes: the plan for a budget, and that the evolution really moves."""

from __future__ import annotations

import math
from statistics import median
from typing import Any

import optuna
import pytest

from smart_tuner.config import load_config
from smart_tuner.messages import Language, render
from smart_tuner.tuning.dimensions import Dimension
from smart_tuner.tuning.samplers import (
    before_evolution,
    completed_generations,
    has_begun,
    make_sampler,
    plan_sampler,
    proposer,
)
from smart_tuner.tuning.search_space import SearchSpace
from smart_tuner.tuning.settings import TuningSettings

optuna.logging.set_verbosity(optuna.logging.ERROR)
SPACE = SearchSpace.of(load_config("debug"))
CHOICES = SearchSpace((Dimension("batch_size", "choice", 0, 0, False, (8, 16, 32)),))


@pytest.mark.parametrize(
    ("asked", "trials", "kind"),
    [
        ("bayesian", 22, "cma-es"),  # ten first trials and two populations of six
        ("bayesian", 21, "tpe"),
        ("tpe", 500, "tpe"),
        ("random", 500, "random"),
    ],
)
def test_the_plan(asked: str, trials: int, kind: str) -> None:
    plan = plan_sampler(TuningSettings(sampler=asked), SPACE, trials)
    assert plan.kind == kind
    words = render(plan.why, Language.EN)
    assert ("too few for CMA-ES, which needs 22" in words) == (kind == "tpe" and asked == "bayesian")


def test_choices_alone_are_nothing_for_the_evolution() -> None:
    plan = plan_sampler(TuningSettings(), CHOICES, 500)
    assert plan.kind == "tpe" and "nothing continuous" in render(plan.why, Language.EN)


def searched(kind: str, seed: int, trials: int) -> optuna.Study:
    """A toy of four continuous values and a choice; the best is far from where the search begins."""
    plan = plan_sampler(TuningSettings(sampler=kind), SPACE, trials)

    def objective(trial: optuna.Trial) -> float:
        x = [trial.suggest_float(f"x{number}", -3.0, 3.0) for number in range(4)]
        penalty = 0.0 if trial.suggest_categorical("kind", ["a", "b"]) == "b" else 2.0
        return -sum((value - 1.5) ** 2 for value in x) - penalty

    study = optuna.create_study(direction="maximize")
    around = {f"x{number}": 0.0 for number in range(4)}
    study.sampler = make_sampler(plan, seed, around)
    study.optimize(objective, n_trials=trials)
    return study


def test_the_evolution_moves_and_who_proposed_is_known() -> None:
    plan = plan_sampler(TuningSettings(), SPACE, 60)
    study = searched("bayesian", 1, 60)
    assert has_begun(study.trials) and not has_begun(study.trials[:10])
    assert before_evolution(study.trials) == study.trials[:10]
    proposers = [proposer(trial, plan, trial.number) for trial in study.trials]
    assert proposers[:10] == ["start-up"] * 10
    assert proposers[10:22] == ["cma-es:0"] * 6 + ["cma-es:1"] * 6
    assert completed_generations(study.trials, plan) == 8
    assert completed_generations(study.trials[:15], plan) == 0  # five of six have been told

    def distance(trials: list[optuna.trial.FrozenTrial]) -> float:
        return median(math.dist([t.params[f"x{n}"] for n in range(4)], [1.5] * 4) for t in trials)

    assert distance(study.trials[-12:]) < 0.6 * distance(study.trials[10:22])


def test_the_same_seed_searches_the_same_way_and_another_does_not() -> None:
    def params(seed: int) -> list[dict[str, Any]]:
        return [trial.params for trial in searched("bayesian", seed, 30).trials]

    assert params(3) == params(3) != params(4)


def test_both_samplers_beat_chance() -> None:
    best = {
        kind: median(searched(kind, seed, 50).best_value for seed in range(5))
        for kind in ("bayesian", "tpe", "random")
    }
    assert best["bayesian"] > best["random"] and best["tpe"] > best["random"]


def side_by_side(seeds: tuple[int, int]) -> optuna.Study:
    """Two workers on one study: both have proposed before either has an answer, and every third is pruned."""
    plan = plan_sampler(TuningSettings(), SPACE, 60)
    places = {f"x{number}": optuna.distributions.FloatDistribution(-3.0, 3.0) for number in range(4)}
    samplers = [make_sampler(plan, seed, dict.fromkeys(places, 0.0)) for seed in seeds]
    study = optuna.create_study(direction="maximize")
    for _ in range(25):
        running = []
        for study.sampler in samplers:
            running.append(study.ask(places))
        for trial in running:
            score = -sum((value - 1.5) ** 2 for value in trial.params.values())
            trial.report(score, 1)
            pruned = trial.number % 3 == 0
            study.tell(trial, None if pruned else score, optuna.trial.TrialState.PRUNED if pruned else None)
    return study


def test_two_workers_share_one_evolution_and_pruned_trials_count_in_it() -> None:
    plan = plan_sampler(TuningSettings(), SPACE, 60)
    study = side_by_side((1, 2))
    assert len({str(trial.params) for trial in study.trials}) == 50
    assert completed_generations(study.trials, plan) == 6  # 40 trials after the first ten
    first = [trial for trial in study.trials if proposer(trial, plan, 0) == "cma-es:0"]
    assert {trial.state.name for trial in first} == {"COMPLETE", "PRUNED"}
    alike = side_by_side((1, 1))  # what another seed for each worker prevents
    assert len({str(trial.params) for trial in alike.trials}) < 50
