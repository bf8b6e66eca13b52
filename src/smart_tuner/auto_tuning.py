"""Tuning inside the main command: several settings begin the run, the best of them goes on as its training.

On the demo corpus every candidate begins anew, and the time is given. On recordings of one's own, where
attention takes its time to form, the preset trains until it has formed; the candidates begin with its
weights, and all of it may cost a share of the training. They are trials of a small study,
`studies/<name of the run>/`. What has been done is in the run's `tuning.json` before the next thing begins,
so that a command that was killed goes on where it was.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from smart_tuner.config import Config
from smart_tuner.messages import EndPhrase, Message, StudyPhrase
from smart_tuner.optimization_engine import TrialTask
from smart_tuner.progress import Output
from smart_tuner.records import ExitCause, Outcome, read_events, write_atomically
from smart_tuner.run_folder import RunError, RunFolder
from smart_tuner.stop_requests import request_stop
from smart_tuner.trial_process import run_trial, trial_command, write_trial
from smart_tuner.tuning.halving import FEWEST, Candidate, affordable, another_fits, neighbour, survivors
from smart_tuner.tuning.search_space import SearchSpace
from smart_tuner.tuning.study_folder import StudyFolder
from smart_tuner.tuning.trial_training import ENDS_THE_STUDY
from smart_tuner.tuning.trial_watch import TrialWatch
from smart_tuner.tuning_state import Phase, TuningState
from tacotron2.events import Stamped, ValidationEvent
from tacotron2.hparams import HParams

RUNGS = 2
"""The first validation, and the second; with common weights the first one alone."""
MOST_CANDIDATES = 27
KEPT_OF_THE_RUN = ("run.yaml", "lock", "worker.lock", "tuning.json")
"""Files of the run that those of the survivor must not take the place of."""
NOT_TAKEN = ("trial.json", "stop_request.json", "outcome.json", "heartbeat", "recovery.json", "tracking.json")
"""Files of the survivor that tell of the trial, not of the training; interfaces show the run anew."""


def number_of_candidates(config: Config) -> int:
    """How many settings begin a training on own recordings; 0: none is worth its cost."""
    train, tuning = config.hparams.train, config.tuning
    warm = min(config.attention.deadline_steps, train.max_steps)
    return affordable(train.max_steps, train.validate_every, warm, tuning.auto_share)


def is_wanted(config: Config) -> bool:
    """Whether the main command tunes a new run of this configuration."""
    if config.data_folder is None:
        return config.tuning.auto_minutes > 0
    return number_of_candidates(config) > 0


def is_tuned(run: RunFolder) -> bool:
    """Whether nothing is left to choose: it was done, or the training has begun without."""
    state = TuningState.read(run)
    return run.has_state() if state is None else state.phase is Phase.DONE


class AutoTuning:
    """The tuning of one run, of which the caller holds the lock.

    Args:
        run: its folder, with the configuration as it was asked for.
        config: that.
        device: auto, cpu or cuda.
        command: what trains a candidate.
        tell: is given what somebody who is away should know.
    """

    def __init__(
        self,
        run: RunFolder,
        config: Config,
        device: str,
        output: Output,
        command: Callable[..., Sequence[str]] = trial_command,
        tell: Callable[[Message], None] = lambda message: None,
    ) -> None:
        self._run = run
        self._config = config
        self._device = device
        self._output = output
        self._command = command
        self._tell_away = tell
        self._folder = StudyFolder(run.root / "studies" / run.name)
        self._space = SearchSpace.of(config)
        self._warm = config.data_folder is not None
        self._rungs = 1 if self._warm else RUNGS
        begun = TuningState(config.digest(), Phase.WARMING if self._warm else Phase.SEARCHING)
        self._state = TuningState.read(run) or begun

    def tune(self) -> Outcome | None:
        """Until the run can be trained on; an outcome where this process was asked to end before, or where
        no candidate could be trained.

        Raises:
            ConfigError: space or shares are wrong.
            StorageError: a file cannot be written.
        """
        if self._state.phase is Phase.WARMING:
            self._output.say(StudyPhrase.WARMING(number=number_of_candidates(self._config)))
            if ended := self._warm_up():
                return ended
            self._note(phase=Phase.SEARCHING)
        if self._state.phase is Phase.SEARCHING:
            if not self._warm:
                self._output.say(StudyPhrase.HALVING(minutes=self._config.tuning.auto_minutes))
            ended = self._first_rung() or self._further_rungs()
            if ended is not None:
                return ended
            chosen = survivors(self._state.candidates, self._rungs - 1)
            self._note(phase=Phase.MOVING, survivor=chosen[0] if chosen else None)
        if self._state.phase is Phase.MOVING:
            self._move()
            self._note(phase=Phase.DONE)
        return None

    def _first_rung(self) -> Outcome | None:
        seconds = self._config.tuning.auto_minutes * 60
        while (number := self._next(seconds)) is not None:
            if ended := self._climb(number, 1):
                return ended
        return None

    def _next(self, seconds: float) -> int | None:
        """The next candidate of the first rung: one that was cut off, else a new one if it fits."""
        candidates = self._state.candidates
        for number, each in enumerate(candidates):
            if not each.scores:
                return number
        number = len(candidates)
        most = number_of_candidates(self._config) if self._warm else MOST_CANDIDATES
        if number >= most or not (self._warm or number < FEWEST or another_fits(candidates, seconds)):
            return None
        self._note(candidates=(*candidates, Candidate(self._params(number))))
        return number

    def _further_rungs(self) -> Outcome | None:
        for rung in range(1, self._rungs):
            for number in survivors(self._state.candidates, rung - 1):
                if len(self._state.candidates[number].scores) > rung:
                    continue
                if ended := self._climb(number, rung + 1):
                    return ended
        return None

    def _params(self, number: int) -> dict[str, Any]:
        """Of the candidates, the report's values are the first, the preset's the second; others lie near.

        With common weights the preset's are the first: at the report's rate none moves in so short a time.
        """
        preset = self._space.values_of(self._config.hparams)
        place = number + self._warm
        if place == 0:
            return self._space.values_of(HParams())
        seed = self._config.tuning.study_seed * 1000 + number
        return preset if place == 1 else neighbour(self._space, preset, seed)

    def _warm_up(self) -> Outcome | None:
        """The preset's training until attention has formed, at most to the deadline of that."""
        run, attention = self._warm_run, self._config.attention
        write_trial(run, self._config, self._folder.name, len(self._state.candidates))

        def look(stamped: Stamped) -> None:
            event = stamped.event
            if isinstance(event, ValidationEvent):
                alignment = event.free_running.get("attention_alignment")  # None: it is not finite
                if alignment is not None and alignment > attention.threshold:
                    request_stop(run, "tuning")

        lock = run.lock()
        try:
            request_stop(run, "tuning", attention.deadline_steps)
            command = self._command(run, self._device)
            outcome, asked = run_trial(run, self._config, command, look, self._output.say)
        finally:
            lock.release()
        if asked is not None:
            return Outcome(asked, EndPhrase.ON_REQUEST(), outcome.step)
        return outcome if outcome.cause in ENDS_THE_STUDY else None

    @property
    def _warm_run(self) -> RunFolder:
        return RunFolder(self._folder.path / "trials" / "warm")

    def _options(self) -> list[str]:
        """What a candidate's worker is told: the weights to begin with, where they are common."""
        if not self._warm:
            return []
        try:
            return ["--initial-weights", str(self._warm_run.best_checkpoint())]
        except RunError:
            return []  # it failed before its first validation: each begins anew

    def _climb(self, number: int, rung: int) -> Outcome | None:
        """Train a candidate to a rung and judge it; an outcome where this process was asked to end."""
        task, began = self._task(number), time.monotonic()
        watch = TrialWatch(self._config.tuning, self._config.gate, (), lambda *_: False, lambda: None)
        for stamped in read_events(task.run.events_file)[0]:
            watch.note(stamped)
        write_trial(task.run, task.config, self._folder.name, number)
        lock = task.run.lock()
        try:
            request_stop(task.run, "halving", rung * task.config.hparams.train.validate_every)
            command = self._command(task.run, self._device, *self._options())
            outcome, asked = run_trial(task.run, task.config, command, watch.note, self._output.say)
        finally:
            lock.release()
        if asked is not None:
            return Outcome(asked, EndPhrase.ON_REQUEST(), watch.step)
        if outcome.cause in ENDS_THE_STUDY:
            return outcome
        judged = outcome.cause in (ExitCause.STOPPED, ExitCause.COMPLETED) and watch.best is not None
        score = watch.best.value if judged and watch.best else None
        before = self._state.candidates[number]
        now = Candidate(before.params, before.seconds + time.monotonic() - began, (*before.scores, score))
        self._note(candidates=_with(self._state.candidates, number, now))
        self._tell(number, rung, score, outcome)
        return None

    def _tell(self, number: int, rung: int, score: float | None, outcome: Outcome) -> None:
        known = {0: StudyPhrase.REPORTS_VALUES(), 1: StudyPhrase.PRESETS_VALUES()}
        name = known.get(number + self._warm, StudyPhrase.NEAR_VALUES())
        if score is None:
            detail = outcome.message
            self._output.say(StudyPhrase.TRIAL_FAILED(trial=number, cause=outcome.cause.value, detail=detail))
        else:
            step = rung * self._task(number).config.hparams.train.validate_every
            self._output.say(StudyPhrase.CANDIDATE(number=number, name=name, score=score, step=step))

    def _task(self, number: int) -> TrialTask:
        hparams = self._space.apply(self._config.hparams, self._state.candidates[number].params)
        return TrialTask(self._folder.trial(number), replace(self._config, hparams=hparams), number)

    def _move(self) -> None:
        """The survivor's training becomes the run's; the others' checkpoints go. Can be done once more."""
        survivor = self._state.survivor
        if survivor is None:
            self._told(StudyPhrase.NO_SURVIVOR())
            return
        task = self._task(survivor)
        write_atomically(self._run.settings_file, task.config.to_yaml())
        for path in sorted(task.run.path.iterdir()) if task.run.path.is_dir() else ():
            if path.name in (*KEPT_OF_THE_RUN, *NOT_TAKEN) or path.name.startswith("events.out."):
                continue
            os.replace(path, self._run.path / path.name)
        tried = [self._folder.trial(number) for number in range(len(self._state.candidates))]
        for run in (*tried, self._warm_run):
            shutil.rmtree(run.checkpoints_folder, ignore_errors=True)
        self._told(StudyPhrase.SURVIVOR(number=survivor, values=_shown(task.config, self._config)))

    def _told(self, message: Message) -> None:
        self._output.result(message)
        self._tell_away(message)

    def _note(self, **changes: Any) -> None:
        state = replace(self._state, **changes)
        state.write(self._run)
        self._state = state


def _with(candidates: Sequence[Candidate], number: int, changed: Candidate) -> tuple[Candidate, ...]:
    return (*candidates[:number], changed, *candidates[number + 1 :])


def _shown(tuned: Config, asked: Config) -> str:
    """What the survivor has otherwise than what was asked for."""
    before, now = asked.hparams.to_dict(), tuned.hparams.to_dict()
    different = [
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for section, leaves in now.items()
        for name, value in leaves.items()
        if value != before[section][name]
    ]
    return ", ".join(different) or "-"
