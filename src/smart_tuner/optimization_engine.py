"""Which hyper-parameters give the best voice: answered by trials, short trainings that are judged by ear.

One engine is one slot: it works on one trial at a time and shares its study with any number of others, on
this machine or elsewhere. What a study is made of is in `smart_tuner.tuning`; the caller says how a trial is
run, in processes of its own.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from smart_tuner.config import Config, ConfigError
from smart_tuner.messages import EndPhrase, Message, StudyPhrase
from smart_tuner.records import ExitCause, Outcome, read_events
from smart_tuner.run_folder import RunFolder
from smart_tuner.stop_requests import request_stop
from smart_tuner.tuning.abandoned import retry_abandoned, this_worker, try_again
from smart_tuner.tuning.budget import Budget, BudgetEnd, Spent
from smart_tuner.tuning.rungs import make_pruner, rung_steps
from smart_tuner.tuning.samplers import (
    before_evolution,
    completed_generations,
    has_begun,
    make_sampler,
    plan_sampler,
    proposer,
)
from smart_tuner.tuning.search_space import SearchSpace
from smart_tuner.tuning.study_folder import StudyFolder
from smart_tuner.tuning.trial_facts import (
    INTERRUPTED,
    LARGEST_SEED,
    OVER_BUDGET,
    RUNNING,
    Fact,
    counts,
    first_number,
    is_answer,
    trial_seed,
    winner,
)
from smart_tuner.tuning.trial_watch import TrialWatch
from tacotron2.events import Stamped
from tacotron2.hparams import HParams, HParamsError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial, Trial

ENDS_THE_STUDY = (ExitCause.DATA_ERROR, ExitCause.CONFIGURATION_ERROR, ExitCause.STORAGE_ERROR)
"""Ends that the next trial would have too: nothing that is tuned is their cause."""
MOST_FAILURES = 5
"""Trials that fail before any other has had a score, after which the study ends."""
BUDGET = ("trials", "max_tuning_hours", "max_tuning_steps", "auto_minutes", "auto_share")
"""Settings of a study that may change while it goes on."""


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


class OptimizationEngine:
    """The search of one study, in one slot.

    Args:
        config: what the trials vary; its sections `tuning`, `space` and `gate` say how.
        folder: the study's. The caller holds its lock, or joins a study that another command has begun.
        storage: from `smart_tuner.tuning.storage.open_storage`.
        run_trial: see `RunTrial`.
        tell: is given what the person who watches should know.
        slot: 0 for the command that began the study; every further worker has another number, so that no
            two of them propose the same.
        slots: how many work on the study together, as far as this command knows.
        before_complete: called before a trial counts as complete, to bring it where it is safe; a
            `TrialFailedError` of it makes the trial a failed one.

        asked_to_end: looked at after every trial: the signal by which this process is to end.

    Raises:
        ConfigError: space, shares or budget are wrong, or the study of this name tunes something else.
    """

    def __init__(
        self,
        config: Config,
        folder: StudyFolder,
        storage: BaseStorage,
        run_trial: RunTrial,
        tell: Callable[[Message], None],
        *,
        slot: int = 0,
        slots: int = 1,
        before_complete: Callable[[TrialTask], None] = lambda task: None,
        asked_to_end: Callable[[], ExitCause | None] = lambda: None,
    ) -> None:
        import optuna

        tuning = config.tuning
        self._config = config
        self._folder = folder
        self._run_trial = run_trial
        self._tell = tell
        self._slots = slots
        self._before_complete = before_complete
        self._asked_to_end = asked_to_end
        self.space = SearchSpace.of(config)
        self.budget = Budget(tuning.trials, tuning.max_tuning_hours, tuning.max_tuning_steps)
        self.plan = plan_sampler(tuning, self.space, tuning.trials)
        self._slot = slot
        self._aimed = False
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.study = optuna.create_study(
            storage=storage,
            study_name=folder.name,
            pruner=make_pruner(tuning.pruning_factor),
            direction="maximize",
            load_if_exists=True,
        )
        self._generations = completed_generations(self.trials(), self.plan)
        self._claim()

    @property
    def num_trials(self) -> int:
        """Trials that were begun so far."""
        return sum(trial.state.name != "WAITING" for trial in self.trials())

    def trials(self) -> list[FrozenTrial]:
        """All trials of the study."""
        return self.study.get_trials(deepcopy=False)

    def measuring(self) -> TrialTask:
        """What is measured before the first trial: the preset at the length of a trial."""
        return replace(self._task(0, self.space.values_of(self._config.hparams)), run=self._folder.measuring)

    def require_data(self, digests: Sequence[str]) -> None:
        """See that all who work on the study learn from the same recordings; the first one says which.

        Raises:
            ConfigError: these are others.
        """
        digest = hashlib.sha256(" ".join(digests).encode()).hexdigest()
        known = self.study.user_attrs.get("data")
        if known is None:
            self.study.set_user_attr("data", digest)
        elif known != digest:
            raise ConfigError(
                [
                    f"study {self._folder.name!r}: its trials learn from other recordings (hash "
                    f"{known[:12]}, here {digest[:12]}); bring the same lists and files here, or give the "
                    "study another name"
                ]
            )

    def run(self) -> Outcome:
        """Trials until the budget is used up, or something ends the study; what that was."""
        try:
            while (end := self._left()) is None:
                self._aim()
                self.study.optimize(self._objective, n_trials=1, catch=(TrialFailedError,))
                self._look_at_failures()
                self._look_at_generations()
                if cause := self._asked_to_end():
                    return Outcome(cause, EndPhrase.ON_REQUEST())
        except StudyEndedError as error:
            return error.outcome
        return Outcome(ExitCause.COMPLETED, StudyPhrase.BUDGET_USED(what=self._named(end)))

    def _claim(self) -> None:
        """Make the study ours or see that it is; what its first two trials are is known before it begins."""
        known = self.study.user_attrs.get("digest")
        digest = study_digest(self._config, self.space)
        if known is None:
            for params in (self.space.values_of(HParams()), self.space.values_of(self._config.hparams)):
                self.study.enqueue_trial(params, skip_if_exists=True)
            self.study.set_user_attr("settings", self._config.to_yaml())
            self.study.set_user_attr("digest", digest)  # last: without it all this is done again
        elif known != digest:
            name = self._folder.name
            raise ConfigError(
                [f"study {name!r} tunes other settings; give this one another name with --study"]
            )

    def _left(self) -> BudgetEnd | None:
        """What of the budget is used up, when the trials of workers that have died are queued again."""
        found = retry_abandoned(self.study)
        if found:
            self._tell(StudyPhrase.TRIAL_CUT_OFF(count=found))
        steps = self._config.tuning.trial_steps or self._config.hparams.train.max_steps
        return self.budget.used_up(self._spent(), self._slots, steps)

    def _named(self, end: BudgetEnd) -> Message:
        budget = self.budget
        return {
            BudgetEnd.TRIALS: StudyPhrase.NO_TRIALS_LEFT(limit=budget.trials),
            BudgetEnd.HOURS: StudyPhrase.NO_HOURS_LEFT(limit=budget.hours),
            BudgetEnd.STEPS: StudyPhrase.NO_STEPS_LEFT(limit=budget.steps),
        }[end]

    def _spent(self) -> list[Spent]:
        trials = [trial for trial in self.trials() if counts(trial)]
        return [
            Spent(
                float(trial.user_attrs.get(Fact.SECONDS, 0.0)),
                int(trial.user_attrs.get(Fact.STEPS, 0)),
                not trial.state.is_finished(),
            )
            for trial in trials
        ]

    def _look_at_failures(self) -> None:
        """Where nothing ever works, the next trial will not either."""
        over = [trial for trial in self.trials() if counts(trial) and trial.state.is_finished()]
        if len(over) >= MOST_FAILURES and all(trial.state.name == "FAIL" for trial in over):
            last = over[-1].user_attrs
            reason = StudyPhrase.NOTHING_WORKS(
                trials=len(over), cause=last[Fact.CAUSE], detail=last.get(Fact.REASON, "")
            )
            raise StudyEndedError(Outcome(ExitCause.CRASHED, reason))

    def _aim(self) -> None:
        """Until CMA-ES has begun: let it begin around the best values so far, those of the first trials."""
        if self._aimed:
            return
        trials = self.trials()
        best = winner(before_evolution(trials))
        around = best.params if best else self.space.values_of(self._config.hparams)
        # A worker that goes on with a study must not propose once more what it proposed then.
        seed = self._config.tuning.study_seed * 1_000_003 + self._slot * 10_007 + len(trials)
        self.study.sampler = make_sampler(self.plan, seed % LARGEST_SEED, around)
        self._aimed = self.plan.kind != "cma-es" or has_begun(trials)

    def _look_at_generations(self) -> None:
        generations = completed_generations(self.trials(), self.plan)
        if generations > self._generations:
            self._generations = generations
            if self._slot == 0:  # the others see it too
                self._tell(StudyPhrase.GENERATION(generation=generations))

    def _objective(self, trial: Trial) -> float:
        trial.set_user_attr(Fact.WORKER, this_worker())
        trial.set_user_attr(Fact.CAUSE, RUNNING)
        before = sum(counts(each) for each in self.trials() if each.number < trial.number)
        if before >= self.budget.trials:  # another slot has begun the last one in the same moment
            trial.set_user_attr(Fact.CAUSE, OVER_BUDGET)
            reason = StudyPhrase.BUDGET_USED(what=self._named(BudgetEnd.TRIALS))
            raise StudyEndedError(Outcome(ExitCause.COMPLETED, reason))
        params = self._suggested(trial)
        frozen = self.trials()[trial.number]
        proposed_by = proposer(frozen, self.plan, sum(map(is_answer, self.trials())))
        trial.set_user_attr(Fact.PROPOSER, proposed_by)
        earlier = self._same(frozen)
        try:
            if earlier is not None:
                self._tell(StudyPhrase.TRIAL_REPEATED(trial=trial.number, earlier=earlier.number))
                return _repeated(trial, earlier)
            self._tell(StudyPhrase.TRIAL_BEGINS(trial=trial.number, proposer=proposed_by))
            return self._trained(trial, frozen, params)
        except TrialFailedError as error:
            trial.set_user_attr(Fact.CAUSE, error.cause)
            trial.set_user_attr(Fact.REASON, str(error))
            self._tell(StudyPhrase.TRIAL_FAILED(trial=trial.number, cause=error.cause, detail=str(error)))
            raise

    def _suggested(self, trial: Trial) -> dict[str, Any]:
        for each in self.space.dimensions:
            if each.kind == "float":
                trial.suggest_float(each.leaf, each.low, each.high, log=each.log)
            elif each.kind == "int":
                trial.suggest_int(each.leaf, int(each.low), int(each.high), log=each.log)
            else:
                trial.suggest_categorical(each.leaf, each.choices)
        return dict(trial.params)

    def _same(self, frozen: FrozenTrial) -> FrozenTrial | None:
        """An earlier trial of the same values that has an answer already."""
        return next(
            (each for each in self.trials() if is_answer(each) and each.params == frozen.params), None
        )

    def _trained(self, trial: Trial, frozen: FrozenTrial, params: dict[str, Any]) -> float:
        """The score of a training of these values.

        Raises:
            TrialFailedError, StudyEndedError, optuna.TrialPruned
        """
        number = first_number(frozen)
        try:
            task = self._task(number, params)
        except HParamsError as error:
            raise TrialFailedError(ExitCause.CONFIGURATION_ERROR.value, str(error)) from None
        trial.set_user_attr(Fact.FOLDER, str(task.run.path.relative_to(self._folder.root)))
        watch = self._watch(trial, task)
        began = time.monotonic() - float(frozen.user_attrs.get(Fact.SECONDS, 0.0))
        try:
            outcome = self._run_trial(task, watch.note)
        except KeyboardInterrupt:  # not in the training, which would have been asked to end
            outcome = Outcome(ExitCause.INTERRUPTED, EndPhrase.ON_REQUEST())
        trial.set_user_attr(Fact.SECONDS, round(time.monotonic() - began, 3))
        trial.set_user_attr(Fact.STEPS, watch.step)
        return self._value(trial, task, watch, outcome)

    def _task(self, number: int, params: dict[str, Any]) -> TrialTask:
        """What a trial trains. A restart that would change what is measured is not for trials: such a trial
        has failed, and one whose attention does not form is told by its score."""
        config, tuning = self._config, self._config.tuning
        hparams = self.space.apply(config.hparams, params, tuning.trial_steps)
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
        return TrialTask(self._folder.trial(number), config, number)

    def _watch(self, trial: Trial, task: TrialTask) -> TrialWatch:
        def at_rung(rung: int, score: float) -> bool:
            trial.report(score, rung)
            return trial.should_prune()

        train, tuning = task.config.hparams.train, self._config.tuning
        rungs = rung_steps(train.max_steps, train.validate_every, tuning.num_rungs, tuning.pruning_factor)
        watch = TrialWatch(
            tuning, self._config.gate, rungs, at_rung, lambda: request_stop(task.run, "pruning")
        )
        for stamped in read_events(task.run.events_file)[0]:  # of an attempt that was cut off
            watch.note(stamped)
        return watch

    def _value(self, trial: Trial, task: TrialTask, watch: TrialWatch, outcome: Outcome) -> float:
        from optuna import TrialPruned

        cause = outcome.cause
        if cause in (ExitCause.INTERRUPTED, ExitCause.TERMINATED):
            trial.set_user_attr(Fact.CAUSE, INTERRUPTED)
            try_again(self.study, self.trials()[trial.number])
            raise StudyEndedError(outcome)
        if cause in ENDS_THE_STUDY:
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


def _repeated(trial: Trial, earlier: FrozenTrial) -> float:
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


def study_digest(config: Config, space: SearchSpace) -> str:
    """The same for two configurations whose studies may share their trials: budgets may differ, and where
    the recordings lie; what is in them is compared by itself."""
    tuning = {k: v for k, v in asdict(config.tuning).items() if k not in BUDGET}
    facts = (replace(config, data_folder=None).digest(), space.digest(), tuning, asdict(config.gate))
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
