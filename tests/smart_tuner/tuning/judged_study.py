"""A study of made-up trials in memory: every state and every user attribute that real ones have."""

from __future__ import annotations

import random
from typing import Any

import optuna

from smart_tuner.config import Config
from smart_tuner.tuning.search_space import SearchSpace
from smart_tuner.tuning.trial_facts import Fact
from tacotron2.hparams import HParams

MISSED = "attention_alignment 0.31 < 0.4"


def judged_study(config: Config, num_trials: int = 0, **where: Any) -> optuna.Study:
    """Report's and preset's trial first, then proposals by chance; about a third of them not complete."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space, chance = SearchSpace.of(config), random.Random(3)
    sampler = optuna.samplers.RandomSampler(seed=3)
    study = optuna.create_study(direction="maximize", sampler=sampler, **where)
    for hparams in (HParams(), config.hparams):
        study.enqueue_trial(space.values_of(hparams))
    for number in range(num_trials):
        score = chance.uniform(0.2, 0.8)
        ending = (
            "completed" if number < 2 else chance.choices(["completed", "pruned", "crashed"], (6, 2, 1))[0]
        )
        end(study, config, score, ending, [MISSED] if score < 0.4 else [])
    return study


def end(
    study: optuna.Study,
    config: Config,
    score: float,
    cause: str = "completed",
    missed: list[str] | None = None,
) -> int:
    """One trial more, with its facts; its number."""
    trial = study.ask(SearchSpace.of(config).distributions())
    facts = {Fact.CAUSE: cause, Fact.SECONDS: 2.0, Fact.STEPS: 30, Fact.PROPOSER: "random"}
    if cause != "crashed":
        facts |= {Fact.PARTS: {"alignment": score}, Fact.BEST_STEP: 20, Fact.GATE_FAILURES: missed or []}
    for name, fact in facts.items():
        trial.set_user_attr(name, fact)
    if cause == "completed":
        trial.report(score * 0.9, 1)
        study.tell(trial, score)
    elif cause == "pruned":
        trial.report(score * 0.5, 1)
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    else:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    return trial.number
