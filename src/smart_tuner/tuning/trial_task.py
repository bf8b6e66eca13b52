"""What a trial of a study trains, and how its end without a score is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from smart_tuner.config import Config
from smart_tuner.records import Outcome
from smart_tuner.run_folder import RunFolder
from smart_tuner.tuning.search_space import SearchSpace
from smart_tuner.tuning.study_folder import StudyFolder
from smart_tuner.tuning.trial_facts import trial_seed
from tacotron2.events import Stamped


@dataclass(frozen=True)
class TrialTask:
    """One trial to be run: its folder, what it trains, its number in the study."""

    run: RunFolder
    config: Config
    number: int


RunTrial = Callable[[TrialTask, Callable[[Stamped], None]], Outcome]
"""Runs a trial, or goes on with it, to an end of any kind; every record is given to the second argument."""


class TrialFailedError(Exception):
    """A trial has no score. `cause` is that of its exit, or what else was in the way."""

    def __init__(self, cause: str, detail: str) -> None:
        self.cause = cause
        super().__init__(detail)


class StudyEndedError(Exception):
    """The study ends before its budget: somebody's wish, or a failure that every trial would share."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.message)


def trial_task(
    config: Config, space: SearchSpace, folder: StudyFolder, number: int, params: Mapping[str, Any]
) -> TrialTask:
    """What the trial trains whose values were tried first under this number.

    A restart that would change what is measured is not for trials: such a trial has failed, and one whose
    attention does not form is told by its score.

    Raises:
        HParamsError: the values cannot be trained.
    """
    tuning = config.tuning
    hparams = space.apply(config.hparams, params, tuning.trial_steps)
    # The same work for all: no clock ends a trial. Early stopping is for trainings, rungs are for trials.
    hparams = hparams.replace(seed=trial_seed(tuning.study_seed, number), max_train_minutes=0.0)
    config = replace(
        config,
        preset=f"trial-{number:04d}",
        hparams=hparams,
        attention=replace(config.attention, deadline_steps=hparams.train.max_steps + 1),
        early_stop=replace(config.early_stop, early_stopping=False),
        cure=replace(config.cure, curing=False),
    )
    return TrialTask(folder.trial(number), config, number)
