"""An engine whose trials take no time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna

from smart_tuner.config import Config, load_config
from smart_tuner.messages import Language, Message, render
from smart_tuner.optimization_engine import OptimizationEngine, TrialTask
from smart_tuner.records import EventWriter, ExitCause, Outcome
from smart_tuner.tuning.study_folder import StudyFolder, study_folder
from smart_tuner.tuning.trial_facts import Fact
from tacotron2.events import Stamped, ValidationEvent
from tests.smart_tuner.fake_trial import validation

BASE = ["train.max_steps=8", "train.validate_every=2", "train.checkpoint_every=2", "tuning.startup_trials=4"]


def tuned(*overrides: str) -> Config:
    return load_config("debug", [*BASE, *overrides])


class Trials:
    """Runs trials in no time; `ends` has the outcome of those that do not complete, by number."""

    def __init__(self, ends: dict[int, Outcome] | None = None, spoilt: tuple[int, ...] = ()) -> None:
        self.ran: list[TrialTask] = []
        self._ends = ends or {}
        self._spoilt = spoilt

    def __call__(self, task: TrialTask, on_event: Callable[[Stamped], None]) -> Outcome:
        self.ran.append(task)
        task.run.path.mkdir(parents=True, exist_ok=True)
        if task.number in self._ends:
            return self._ends.pop(task.number)
        train = task.config.hparams.train
        with EventWriter(task.run.events_file) as writer:
            for step in range(train.validate_every, train.max_steps + 1, train.validate_every):
                event: ValidationEvent = validation(step, task.config.hparams)
                if task.number in self._spoilt:
                    event = replace(event, free_running={"attention_alignment": float("nan")})
                writer.write(event)
                on_event(Stamped(0.0, event))
                if task.run.stop_request_file.exists():
                    return Outcome(ExitCause.STOPPED, "asked", step)
        return Outcome(ExitCause.COMPLETED, "trained", train.max_steps)


class Study:
    """An engine on a study in memory, and what it told."""

    def __init__(
        self, root: Path, config: Config, trials: Trials, storage: Any = None, **options: Any
    ) -> None:
        self.told: list[Message] = []
        self.folder: StudyFolder = study_folder(root, "toy")
        self.storage = storage or optuna.storages.InMemoryStorage()
        self.config = config
        self.engine = OptimizationEngine(
            config, self.folder, self.storage, trials, self.told.append, **options
        )
        self.outcome = self.engine.run()

    @property
    def trials(self) -> list[optuna.trial.FrozenTrial]:
        return self.engine.trials()

    def facts(self, name: Fact) -> list[Any]:
        return [trial.user_attrs.get(name) for trial in self.trials]

    @property
    def words(self) -> str:
        return "\n".join(render(message, Language.EN) for message in self.told)


def states(study: Study) -> list[str]:
    return [trial.state.name for trial in study.trials]
