"""One trial of a study, from its values to its score: run, watched, judged, or told why it has none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from smart_tuner.config import Config
from smart_tuner.messages import EndPhrase, Message, StudyPhrase
from smart_tuner.records import ExitCause, Outcome, read_events
from smart_tuner.stop_requests import asked_by, request_stop
from smart_tuner.tuning.abandoned import MOST_REPETITIONS, try_again
from smart_tuner.tuning.rungs import rung_steps
from smart_tuner.tuning.search_space import SearchSpace
from smart_tuner.tuning.study_folder import StudyFolder
from smart_tuner.tuning.trial_facts import INTERRUPTED, Fact, first_number
from smart_tuner.tuning.trial_task import RunTrial, StudyEndedError, TrialFailedError, TrialTask, trial_task
from smart_tuner.tuning.trial_watch import TrialWatch
from tacotron2.hparams import HParamsError

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, Trial

ENDS_THE_STUDY = (ExitCause.DATA_ERROR, ExitCause.CONFIGURATION_ERROR, ExitCause.STORAGE_ERROR)
"""Ends that the next trial would have too: nothing that is tuned is their cause."""
PRUNING = "pruning"
"""Who asks a trial to end at a rung."""


class TrialTraining:
    """The trainings of one slot; the arguments are those of `OptimizationEngine`."""

    def __init__(
        self,
        config: Config,
        space: SearchSpace,
        folder: StudyFolder,
        run_trial: RunTrial,
        tell: Callable[[Message], None],
        before_complete: Callable[[TrialTask], None],
    ) -> None:
        self._config = config
        self._space = space
        self._folder = folder
        self._run_trial = run_trial
        self._tell = tell
        self._before_complete = before_complete

    def score(self, trial: Trial, frozen: FrozenTrial, params: dict[str, Any]) -> float:
        """The score of a training of these values.

        Raises:
            TrialFailedError, StudyEndedError, optuna.TrialPruned
        """
        number = first_number(frozen)
        try:
            task = trial_task(self._config, self._space, self._folder, number, params)
        except HParamsError as error:
            raise TrialFailedError(ExitCause.CONFIGURATION_ERROR.value, str(error)) from None
        trial.set_user_attr(Fact.FOLDER, str(task.run.path.relative_to(self._folder.root)))
        watch = self._watch(trial, task)
        began = time.monotonic() - float(frozen.user_attrs.get(Fact.SECONDS, 0.0))
        if watch.pruned:  # and cut off before that was told
            outcome = Outcome(ExitCause.STOPPED, EndPhrase.ON_REQUEST(), watch.step)
        else:
            outcome = self._run_trial(task, watch.note)
        trial.set_user_attr(Fact.SECONDS, round(time.monotonic() - began, 3))
        trial.set_user_attr(Fact.STEPS, watch.step)
        return self._judged(trial, task, watch, outcome)

    def _watch(self, trial: Trial, task: TrialTask) -> TrialWatch:
        def at_rung(rung: int, score: float) -> bool:
            trial.report(score, rung)
            return trial.should_prune()

        train, tuning = task.config.hparams.train, self._config.tuning
        rungs = rung_steps(train.max_steps, train.validate_every, tuning.num_rungs, tuning.pruning_factor)
        watch = TrialWatch(tuning, self._config.gate, rungs, at_rung, lambda: request_stop(task.run, PRUNING))
        watch.go_on(read_events(task.run.events_file)[0], asked_by(task.run) == PRUNING)
        return watch

    def _judged(self, trial: Trial, task: TrialTask, watch: TrialWatch, outcome: Outcome) -> float:
        from optuna import TrialPruned

        cause = outcome.cause
        if cause in (ExitCause.INTERRUPTED, ExitCause.TERMINATED):
            queue_again(trial, outcome.message)
            raise StudyEndedError(outcome)
        if cause in ENDS_THE_STUDY:
            if not queue_again(trial, outcome.message, MOST_REPETITIONS):
                trial.set_user_attr(Fact.CAUSE, cause.value)
            raise StudyEndedError(outcome)
        if cause not in (ExitCause.COMPLETED, ExitCause.STOPPED):
            raise TrialFailedError(cause.value, outcome.message)
        best = watch.best
        if best is None:
            raise TrialFailedError("objective_error", watch.unjudged or "no validation took place")
        trial.set_user_attr(Fact.PARTS, dict(best.parts))
        trial.set_user_attr(Fact.BEST_STEP, best.step)
        trial.set_user_attr(Fact.GATE_FAILURES, list(best.gate_failures))
        if watch.pruned and cause is ExitCause.STOPPED:
            trial.set_user_attr(Fact.CAUSE, "pruned")
            self._tell(StudyPhrase.TRIAL_PRUNED(trial=trial.number, score=best.value, step=watch.step))
            raise TrialPruned
        self._before_complete(task)
        trial.set_user_attr(Fact.CAUSE, ExitCause.COMPLETED.value)
        shut = ", ".join(best.gate_failures)
        gate = StudyPhrase.GATE_SHUT(failures=shut) if shut else StudyPhrase.GATE_OPEN()
        self._tell(StudyPhrase.TRIAL_DONE(trial=trial.number, score=best.value, gate=gate))
        return best.value


def queue_again(trial: Trial, reason: str, at_most: int | None = None) -> bool:
    """Let the values of a trial that is cut off go on under another number, through no fault of theirs.

    False where that has been done `at_most` times.
    """
    trial.set_user_attr(Fact.CAUSE, INTERRUPTED)
    trial.set_user_attr(Fact.REASON, reason)
    return try_again(trial.study, trial.study.get_trials(deepcopy=False)[trial.number], at_most)


def repeat_answer(trial: Trial, earlier: FrozenTrial) -> float:
    """What an earlier trial of the same values has answered.

    Raises:
        optuna.TrialPruned: that was pruned.
    """
    from optuna import TrialPruned

    for key in (Fact.PARTS, Fact.BEST_STEP, Fact.GATE_FAILURES, Fact.FOLDER):
        trial.set_user_attr(key, earlier.user_attrs.get(key))
    trial.set_user_attr(Fact.SAME_AS, earlier.number)
    trial.set_user_attr(Fact.CAUSE, ExitCause.COMPLETED.value)
    for rung, score in sorted(earlier.intermediate_values.items()):
        trial.report(score, rung)
    if earlier.value is None or earlier.state.name == "PRUNED":
        trial.set_user_attr(Fact.CAUSE, "pruned")
        raise TrialPruned
    return earlier.value
