"""A study followed from outside: its trials as its storage has them, and how far the running ones are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smart_tuner.live_state import FRESH_S
from smart_tuner.messages import MonitorPhrase
from smart_tuner.run_folder import RunError, RunFolder
from smart_tuner.run_follower import EventFollower, heard_at
from smart_tuner.tuning.study_folder import StudyFolder
from smart_tuner.tuning.trial_facts import INTERRUPTED, Fact, counts, winner
from tacotron2.events import StepEvent

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial


@dataclass(frozen=True)
class TrialLook:
    """One trial. `state`: running, waiting, complete, pruned, failed or cut_off; `steps` of a running one as
    its folder on this machine tells; `folder` below that of all runs."""

    number: int
    state: str
    score: float | None = None
    steps: int | None = None
    seconds: float | None = None
    params: dict[str, Any] = field(default_factory=dict)
    folder: str | None = None


@dataclass(frozen=True)
class StudyLook:
    """Everything that a view of a study shows, at one moment. `best` is above the gate."""

    name: str
    path: Path
    now: float
    trials: Sequence[TrialLook]
    best: int | None
    budget: int
    """Trials that there may be."""
    steps: int
    """Of a whole trial."""
    alive: bool
    """A trial goes on: by its heartbeat, or where it runs on another machine by the storage's word."""


class StudyFollower:
    """Looks at one study again and again.

    Args:
        opened: the study in its storage, for reading.
    """

    def __init__(self, folder: StudyFolder, opened: Study, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._study = opened
        self._clock = clock
        config = folder.config()
        self._budget = config.tuning.trials
        self._steps = config.tuning.trial_steps or config.hparams.train.max_steps
        self._running: dict[str, _RunningTrial] = {}

    def look(self) -> StudyLook:
        """The study as it is now.

        Raises:
            RunError: its folder is not there any more.
        """
        if not self._folder.settings_file.is_file():
            raise RunError(MonitorPhrase.STUDY_GONE(path=self._folder.path))
        now, trials = self._clock(), self._study.get_trials(deepcopy=False)
        best, shown = winner(trials), [self._trial(trial, now) for trial in trials]
        return StudyLook(
            self._folder.name,
            self._folder.path,
            now,
            shown,
            best.number if best else None,
            self._budget,
            self._steps,
            any(each.state == "running" and self._lives(each, now) for each in shown),
        )

    def _lives(self, trial: TrialLook, now: float) -> bool:
        heard = heard_at(RunFolder(self._folder.root / trial.folder)) if trial.folder else None
        return heard is None or now - heard < FRESH_S

    def _trial(self, trial: FrozenTrial, now: float) -> TrialLook:
        told = trial.user_attrs
        state = _state(trial)
        steps, seconds = told.get(Fact.STEPS), told.get(Fact.SECONDS)
        if state == "running":
            began = trial.datetime_start
            seconds = None if began is None else max(0.0, now - began.timestamp())
            steps = self._step(told.get(Fact.FOLDER))
        score = trial.value if trial.state.name != "PRUNED" else _last_reported(trial)
        params, folder = dict(trial.params), told.get(Fact.FOLDER)
        return TrialLook(trial.number, state, score, steps, seconds, params, folder)

    def _step(self, folder: str | None) -> int | None:
        """How far a running trial is; None where it runs elsewhere."""
        if folder is None:
            return None
        found = self._running.setdefault(folder, _RunningTrial(self._folder.root / folder))
        return found.step()


class _RunningTrial:
    """The record of one trial, followed."""

    def __init__(self, path: Path) -> None:
        self.folder = RunFolder(path)
        self._events = EventFollower(self.folder.events_file)
        self._step: int | None = None

    def step(self) -> int | None:
        anew, news = self._events.poll()
        if anew:
            self._step = None
        for stamped in news:
            if isinstance(stamped.event, StepEvent):
                self._step = stamped.event.step
        return self._step


def _state(trial: FrozenTrial) -> str:
    name = trial.state.name
    if name == "FAIL":
        return "failed" if counts(trial) else "cut_off"
    if name == "RUNNING" and trial.user_attrs.get(Fact.CAUSE) == INTERRUPTED:
        return "cut_off"
    return name.lower()


def _last_reported(trial: FrozenTrial) -> float | None:
    reported = trial.intermediate_values
    return reported[max(reported)] if reported else None
